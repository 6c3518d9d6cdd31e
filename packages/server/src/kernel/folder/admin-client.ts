import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { parseJson } from '../codec/json.ts';
import { AppError, errorText } from '../errors/app-error.ts';
import { type ErrorCode, errorTable } from '../errors/error-table.ts';
import { adminSocketName } from './admin-socket.ts';
import { openSocketPath } from './socket-path.ts';

/** `running: false`: no process serves the folder, so the caller may open it itself. */
export type AdminAnswer = { readonly running: true; readonly output: unknown } | { readonly running: false };

const notRunning = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);
const failureSchema = z.object({ code: z.string(), message: z.string() });
const successSchema = z.object({ output: z.unknown().optional() });

/** Runs a command in the process that holds the folder. Its errors are thrown here with their codes. */
export async function callAdmin(folder: string, command: string, input: unknown): Promise<AdminAnswer> {
  const response = await post(folder, command, JSON.stringify(input));
  if (response === 'not running') return { running: false };
  const body = parseJson(response, z.union([failureSchema, successSchema]), 'The answer of the running service');
  if ('code' in body) throw new AppError(isErrorCode(body.code) ? body.code : 'internalError', body.message);
  return { running: true, output: body.output };
}

async function post(folder: string, command: string, body: string): Promise<string | 'not running'> {
  try {
    await using socket = await openSocketPath(folder, adminSocketName);
    const outgoing = request({ socketPath: socket.path, method: 'POST', path: `/${command}`, agent: false });
    outgoing.end(body);
    const [response] = await once(outgoing, 'response');
    return await text(response);
  } catch (error) {
    if (error instanceof Error && 'code' in error && notRunning.has(String(error.code))) return 'not running';
    throw new AppError('internalError', `The running service broke off at ${command}: ${errorText(error)}; see its log.`, { cause: error });
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
