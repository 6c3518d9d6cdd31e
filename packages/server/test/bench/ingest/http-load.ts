import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  readonly url: string;
  readonly body: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Answers that were not 200. */
  readonly failures: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Keep-alive POSTs of one body over a fixed number of connections, each sending its next request when the answer came.
 * Written on bare sockets: the client shares two cores with the server, so it has to cost little.
 */
export function loadHttp({ url, body, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const { hostname, pathname } = new URL(url);
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return loadRequests({ url, connections, seconds, nextRequest: () => request });
}

interface RequestsOptions extends Omit<LoadOptions, 'body'> {
  readonly nextRequest: () => Buffer;
}

/** As `loadHttp`, with requests that differ. */
export async function loadRequests({ url, connections, seconds, nextRequest }: RequestsOptions): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const latencies: number[] = [];
  let failures = 0;
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1000;
  const runConnection = async () => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    try {
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      await exchange(socket, {
        nextRequest,
        onAnswer: (status, ms) => {
          latencies.push(ms);
          if (status !== 200) failures += 1;
          return performance.now() < endAt;
        },
      });
    } finally {
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, runConnection));
  const elapsed = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return { requests: latencies.length, seconds: elapsed, failures, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

interface Exchange {
  readonly nextRequest: () => Buffer;
  /** True: send the next one. */
  readonly onAnswer: (status: number, ms: number) => boolean;
}

function exchange(socket: Socket, { nextRequest, onAnswer }: Exchange): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    let lastStatus = 0;
    let sentAt = performance.now();
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`the server closed the connection; its last answer was ${lastStatus}`)));
    socket.setEncoding('latin1').on('data', (text) => {
      received += text;
      const head = received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (received.length < head + 4 + length) return;
      const status = Number(received.slice(9, 12));
      lastStatus = status;
      received = '';
      const now = performance.now();
      if (!onAnswer(status, now - sentAt)) return resolve();
      sentAt = performance.now();
      socket.write(nextRequest());
    });
    socket.write(nextRequest());
  });
}
