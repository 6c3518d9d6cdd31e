import { openEngineSocket } from '../../src/kernel/folder/engine-socket.ts';
import type { OpenPort } from '../../src/kernel/link/port-session.ts';
import { silentLogger as logger } from './silent-logger.ts';

interface ServedPorts extends AsyncDisposable {
  /** Of the socket. */
  readonly path: string;
  readonly token: string;
}

/** Serves the ports at the engine socket of the folder until it is disposed: every connection ends then. */
export async function servePorts(
  folder: string,
  { ports, token }: { ports: Record<string, OpenPort>; token: string },
): Promise<ServedPorts> {
  const part = await openEngineSocket({ folder, token, ports: new Map(Object.entries(ports)), logger });
  const stop = new AbortController();
  const ended = part.run(stop.signal);
  return {
    path: part.environment.SLUICE_ENGINE_SOCKET,
    token: part.environment.SLUICE_ENGINE_TOKEN,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
    },
  };
}
