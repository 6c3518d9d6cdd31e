/** Program of `fault-shim.test.ts`: each way in which Node changes files, once, below the folder in its first argument. */
import { createWriteStream, fsyncSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, rmdir, unlink, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { finished } from 'node:stream/promises';

const root = process.argv[2] ?? '';
const at = (name: string): string => join(root, name);
const failures: Record<string, string> = {};

async function attempt(what: string, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    failures[what] = String((error as NodeJS.ErrnoException).code);
  }
}

await mkdir(at('deep/er'), { recursive: true });
const file: FileHandle = await open(at('part'), 'wx');
await attempt('writev', () => file.writev([Buffer.from('abc'), Buffer.from('defg')], 0));
await attempt('write', () => file.write(Buffer.from('hijkl'), 0, 5, 7));
await attempt('datasync', () => file.datasync());
await attempt('sync', () => file.sync());
await attempt('truncate', () => file.truncate(3));
await file.close();
await attempt('link', () => link(at('part'), at('linked')));
await attempt('rename', () => rename(at('linked'), at('deep/renamed')));
const folder = await open(at('deep'), 'r');
await attempt('folder', () => folder.sync());
await folder.close();
await attempt('unlink', () => unlink(at('deep/renamed')));
await attempt('rmdir', () => rmdir(at('deep/er')));
await attempt('flush', () => writeFile(at('flushed'), 'text', { flush: true }));
await attempt('stream', () => finished(createWriteStream(at('streamed')).end('text')));
await attempt('synchronous', () => {
  const descriptor = openSync(at('synchronous'), 'w');
  writeSync(descriptor, 'text');
  fsyncSync(descriptor);
});
await attempt('sqlite', () => {
  using database = new DatabaseSync(at('sqlite.db'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (x); INSERT INTO t VALUES (\'{"key":"found-it"}\')');
});

const server = createServer((_, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;
const connection = await new Promise((resolve, reject) => {
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST' }, (response) => {
    resolve(`${port}:${response.socket.localPort}`);
    response.resume();
  });
  outgoing.on('error', reject).end('body');
});
server.close();
process.stdout.write(JSON.stringify({ connection, failures }));
