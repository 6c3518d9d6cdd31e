import { randomBytes } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { listen } from '../lifecycle/listen.ts';
import type { Part } from '../lifecycle/part.ts';
import { LinkSession } from '../link/link-session.ts';
import type { OpenPort } from '../link/port-session.ts';
import type { Logger } from '../observe/logger.ts';
import { systemTimer } from '../time/start-timer.ts';
import { openSocketPath } from './socket-path.ts';

interface EngineSocketOptions {
  /** A folder whose lock this process holds: a socket that is there is stale and replaced. */
  readonly folder: string;
  /** Empty: a random one for this start. */
  readonly token: string;
  readonly ports: ReadonlyMap<string, OpenPort>;
  readonly logger: Logger;
}

interface EngineSocket extends Part {
  /** What a process needs in its environment to use the engines of this one. */
  readonly environment: Readonly<Record<'SLUICE_ENGINE_SOCKET' | 'SLUICE_ENGINE_TOKEN', string>>;
}

const engineSocketName = 'engine.sock';
const maxConnections = 256;
const tokenBytes = 32;

/** Serves engines of this process to others at `engine.sock` in the folder, mode 0600. Until one comes it is a listener and nothing more. */
export async function openEngineSocket({ folder, token: given, ports, logger }: EngineSocketOptions): Promise<EngineSocket> {
  const token = given === '' ? randomBytes(tokenBytes).toString('hex') : given;
  const sessions = new Set<LinkSession>();
  const server = createServer((socket) => {
    const session = new LinkSession(socket, { token, ports, logger, startTimer: systemTimer });
    sessions.add(session);
    void session.ended.then(() => sessions.delete(session));
  });
  server.maxConnections = maxConnections;
  const socketPath = await openSocketPath(folder, engineSocketName);
  await rm(socketPath.path, { force: true });
  await listen(server, { at: socketPath.path, name: 'engine socket' });
  const path = join(folder, engineSocketName);
  await chmod(path, 0o600);
  const closed = Promise.withResolvers<void>();
  // An error may come before the part is run.
  closed.promise.catch(() => {});
  server.once('close', () => closed.resolve());
  server.on('error', (error) => closed.reject(error));
  return {
    name: 'engine socket',
    environment: { SLUICE_ENGINE_SOCKET: path, SLUICE_ENGINE_TOKEN: token },
    run: async (signal) => {
      const onAbort = () => {
        server.close();
        for (const session of sessions) session.close();
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      try {
        await closed.promise;
        await Promise.all([...sessions].map(({ ended }) => ended));
      } finally {
        // The path must lead to the folder until the server has removed the socket.
        await socketPath[Symbol.asyncDispose]();
      }
    },
  };
}
