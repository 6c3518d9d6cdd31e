import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import type { SentEvents } from './sent-events.ts';

interface RecordingProxyOptions {
  readonly target: string;
  readonly book: SentEvents;
}

const bodySchema = z.array(z.object({ time: z.int(), amount: z.string().transform(Number) }));

/** Stands between a producer that may die and the events API, and survives both: it notes what is sent and what is acknowledged. */
export async function openRecordingProxy({ target, book }: RecordingProxyOptions): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer(async (request, response) => {
    try {
      const body = await buffer(request);
      const events = bodySchema.parse(JSON.parse(body.toString()));
      for (const event of events) if (!book.has(event)) book.send(event);
      const key = request.headers['idempotency-key'];
      const headers = { 'Content-Type': 'application/json', ...(typeof key === 'string' && { 'Idempotency-Key': key }) };
      const answer = await fetch(target, { method: 'POST', headers, body, signal: AbortSignal.timeout(5000) });
      const text = await answer.text();
      if (answer.status === 200) book.acknowledge(events);
      response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(text);
    } catch {
      // Its producer or the API is dead: there is no answer.
      response.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
