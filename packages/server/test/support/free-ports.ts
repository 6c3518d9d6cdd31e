import { once } from 'node:events';
import { createServer } from 'node:net';

/** Whether nobody listens on these consecutive ports at this moment. */
export async function areFree(first: number, count: number): Promise<boolean> {
  const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
  return free.every((one) => one);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port);
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
