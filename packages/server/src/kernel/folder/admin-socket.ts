import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { AppError, errorText, isAppError } from '../errors/app-error.ts';
import { openHttpServerPart } from '../lifecycle/http-server-part.ts';
import type { Part } from '../lifecycle/part.ts';
import type { Logger } from '../observe/logger.ts';
import type { AdminCommands } from './admin-commands.ts';
import { openSocketPath } from './socket-path.ts';

interface AdminSocketOptions {
  /** A folder whose lock this process holds: a socket that is there is stale and replaced. */
  readonly folder: string;
  readonly commands: AdminCommands;
  readonly logger: Logger;
}

export const adminSocketName = 'admin.sock';
const maxInputBytes = 1024 * 1024;

/** Serves commands at `admin.sock` in the folder: `POST /<command>` with JSON in and out, errors as `{code, message}`. Mode 0600. */
export async function openAdminSocket({ folder, commands, logger }: AdminSocketOptions): Promise<Part> {
  const socket = await openSocketPath(folder, adminSocketName);
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(request, { commands, logger });
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await rm(socket.path, { force: true });
  const part = await openHttpServerPart({ name: 'admin socket', server, at: socket.path });
  await chmod(join(folder, adminSocketName), 0o600);
  // The path must lead to the folder until the server has removed the socket.
  server.once('close', () => {
    Promise.resolve(socket[Symbol.asyncDispose]()).catch((error: unknown) => logger.warn({ err: error }, 'data folder not closed'));
  });
  return part;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function answer(request: IncomingMessage, { commands, logger }: Pick<AdminSocketOptions, 'commands' | 'logger'>): Promise<Answer> {
  const name = request.url?.slice(1) ?? '';
  try {
    const output = await commands.run(name, await readInput(request));
    return { status: 200, body: { output } };
  } catch (error) {
    if (!isAppError(error)) logger.error({ err: error, command: name }, 'admin command failed');
    const { status, code, message } = isAppError(error) ? error : new AppError('internalError', errorText(error), { cause: error });
    return { status, body: { code, message } };
  }
}

/** Reads to the end in any case, so that the answer is heard. */
async function readInput(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes <= maxInputBytes) chunks.push(buffer);
  }
  if (bytes > maxInputBytes) throw new AppError('bodyTooLarge', `The input of an admin command is limited to ${maxInputBytes} bytes.`);
  return Buffer.concat(chunks).toString('utf8');
}
