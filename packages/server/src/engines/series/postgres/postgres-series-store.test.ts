import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openSeriesStore } from '../registry.ts';

it('closes without waiting for a server that takes connections and says nothing', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const store = await openSeriesStore(
    {
      kind: 'postgres',
      ...{ host: '127.0.0.1', port, user: 'app', password: '', database: 'app', table: 'events' },
      // Longer than the test may last.
      timeoutMs: 600_000,
    },
    { log: silentLogger, startTimer: () => () => {} },
  );
  const accepted = once(server, 'connection');
  const [probing] = [expect(store.probe(new AbortController().signal)).rejects.toMatchObject({ code: 'seriesUnavailable' })];
  const [socket]: Socket[] = await accepted;
  // The greeting has come, and nothing answers it.
  await once(socket ?? server, 'data');
  await store[Symbol.asyncDispose]();
  await probing;
});
