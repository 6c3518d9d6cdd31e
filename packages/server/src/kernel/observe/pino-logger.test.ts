import { expect, test } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import { createLogger } from './pino-logger.ts';

function recorded(level: 'debug' | 'info' | 'warn') {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level, name: 'test', destination: { write: (line) => lines.push(JSON.parse(line)) } });
  return { lines, logger };
}

test('writes JSON lines from its level up, with the fields of its parents', () => {
  const { lines, logger } = recorded('info');
  logger.debug({}, 'unseen');
  logger.child({ component: 'api' }).info({ port: 8000 }, 'listening');
  expect(lines).toEqual([expect.objectContaining({ level: 'info', name: 'test', component: 'api', port: 8000, msg: 'listening' })]);
  expect(lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('errors keep code and cause', () => {
  const { lines, logger } = recorded('warn');
  logger.warn({ err: new AppError('diskFull', 'No room.', { cause: new Error('ENOSPC') }) }, 'write failed');
  expect(lines[0]?.['err']).toMatchObject({ message: 'No room.', code: 'diskFull', cause: { message: 'ENOSPC' } });
});

test('secrets are not written', () => {
  const { lines, logger } = recorded('info');
  logger.child({ token: 'abc' }).info({ password: 'abc', headers: { authorization: 'abc' } }, 'request');
  expect(JSON.stringify(lines)).not.toContain('abc');
  expect(lines[0]).toMatchObject({ headers: { authorization: '*****' } });
});
