import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { RawConnection, requestText } from '../../support/raw-http.ts';

/**
 * Holds connections until its standard input ends: `<url> <all> <posting>`. The first `posting` ones send a record, hear its answer
 * and stay idle; the others say nothing. Prints one JSON line `{"open":N,"stored":N}` when it holds them, and a second one with what
 * all of them hear for a further record each, on a line of its input.
 */
const [url = '', all = '0', posting = '0'] = process.argv.slice(2);
const atOnce = 200;
const connections: RawConnection[] = [];

async function post(connection: RawConnection): Promise<boolean> {
  const answer = await connection.write(requestText(url, { body: 'held' })).answer();
  return answer?.status === 200;
}

async function postOver(chosen: readonly RawConnection[]): Promise<number> {
  let stored = 0;
  for (let from = 0; from < chosen.length; from += atOnce) {
    const results = await Promise.all(chosen.slice(from, from + atOnce).map(post));
    stored += results.filter((isStored) => isStored).length;
  }
  return stored;
}

function tell(stored: number): void {
  const open = connections.filter(({ socket }) => socket.readyState === 'open').length;
  process.stdout.write(`${JSON.stringify({ open, stored })}\n`);
}

while (connections.length < Number(all)) {
  const count = Math.min(atOnce, Number(all) - connections.length);
  connections.push(...(await Promise.all(Array.from({ length: count }, () => RawConnection.open(url)))));
}
tell(await postOver(connections.slice(0, Number(posting))));
const input = createInterface({ input: process.stdin });
input.on('line', () => void postOver(connections).then(tell));
await once(input, 'close');
process.exit(0);
