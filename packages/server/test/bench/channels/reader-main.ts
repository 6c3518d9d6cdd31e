import { connect } from 'node:net';

/** The readers of `reader.c` where there is no compiler; the same arguments, commands and answers. */
const [port = 0, viewers = 0, stalled = 0, payloadBytes = 0] = process.argv.slice(2, 6).map(Number);
const channel = process.argv[6] ?? '';
const headBytes = 16;
let delaysUs: number[] = [];
let counts = { packets: 0, bytes: 0, reads: 0, missing: 0, disorder: 0 };

for (let viewer = 0; viewer < viewers; viewer += 1) {
  const socket = connect(port, '127.0.0.1', () => socket.write(`user-${viewer} ${channel}\n`));
  socket.on('error', () => process.exit(69));
  if (viewer >= stalled) follow((take) => socket.on('data', take));
  else socket.pause();
}

function follow(onData: (take: (chunk: Buffer) => void) => void): void {
  const head = Buffer.alloc(headBytes);
  let at = 0;
  let last: number | undefined;
  onData((chunk) => {
    const now = process.hrtime.bigint();
    counts.reads += 1;
    counts.bytes += chunk.length;
    for (let from = 0; from < chunk.length; ) {
      const part = Math.min((at < headBytes ? headBytes : payloadBytes) - at, chunk.length - from);
      if (at < headBytes) chunk.copy(head, at, from, from + part);
      at += part;
      from += part;
      if (at === headBytes) {
        const number = Number(head.readBigUInt64LE(0));
        if (last !== undefined && number <= last) counts.disorder += 1;
        else if (last !== undefined) counts.missing += number - last - 1;
        last = number;
        counts.packets += 1;
        delaysUs.push(Number(now - head.readBigUInt64LE(8)) / 1000);
      }
      if (at === payloadBytes) at = 0;
    }
  });
}

process.stdin.on('data', (commands) => {
  for (const command of commands.toString('latin1')) {
    if (command === 'r') {
      delaysUs = [];
      counts = { packets: 0, bytes: 0, reads: 0, missing: 0, disorder: 0 };
    } else if (command === 'p') {
      delaysUs.sort((one, other) => one - other);
      const quantile = (share: number): number => (delaysUs[Math.floor((delaysUs.length - 1) * share)] ?? 0) / 1000;
      process.stdout.write(`${JSON.stringify({ ...counts, p50Ms: quantile(0.5), p99Ms: quantile(0.99), maxMs: quantile(1) })}\n`);
    }
  }
});
process.stdin.on('end', () => process.exit(0));
