import { type DestinationStream, destination, pino, stdSerializers } from 'pino';
import type { Logger } from './logger.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof logLevels)[number];

interface LoggerOptions {
  readonly level: LogLevel;
  /** Field `name` of every line. */
  readonly name: string;
  /** Standard error by default; written at once, so that a line before a crash is not lost. */
  readonly destination?: DestinationStream;
}

/** Fields whose values are never written, at the top of a line and one level below. A second fence: do not log them at all. */
const secretFields = ['token', 'secret', 'password', 'authorization', 'apiKey', 'secretKey'];

/** JSON lines; `err` is written with type, message, stack and causes. */
export function createLogger({ level, name, destination: stream = destination({ fd: 2, sync: true }) }: LoggerOptions): Logger {
  return pino(
    {
      level,
      name,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: '*****' },
    },
    stream,
  );
}
