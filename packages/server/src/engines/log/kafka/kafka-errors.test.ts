import { AuthenticationError, MultipleErrors, NetworkError, ResponseError } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { logErrorOf } from './kafka-errors.ts';

const node = (code: string): Error => Object.assign(new Error(`node says ${code}`), { code });
const broker = (errorCode: number): Error => new ResponseError(0, 9, { '/responses/0': [errorCode, null] }, {});
const unreachable = (cause: Error): Error =>
  new MultipleErrors('metadata failed 4 times.', [
    new MultipleErrors('Cannot connect to any broker.', [new NetworkError('Connection to a:1 failed.', { cause })]),
  ]);

test.each([
  ['a login', unreachable(new AuthenticationError('SASL authentication failed.')), 'logDenied', 'password'],
  ['an unknown mechanism', unreachable(new AuthenticationError('none', { cause: broker(33) })), 'logDenied', 'SASL mechanism'],
  ['a certificate', unreachable(node('SELF_SIGNED_CERT_IN_CHAIN')), 'logDenied', 'CA file'],
  ['a name in a certificate', unreachable(node('ERR_TLS_CERT_ALTNAME_INVALID')), 'logDenied', 'by the names in them'],
  ['a topic that is not granted', broker(29), 'logDenied', 'access control lists'],
  ['a group that is not granted', broker(30), 'logDenied', 'access control lists'],
  ['no broker', unreachable(node('ECONNREFUSED')), 'logUnavailable', 'that they run'],
  ['TLS spoken to a plain listener', unreachable(node('EPROTO')), 'logUnavailable', 'TLS or not'],
  ['a topic', broker(3), 'logTopicNotFound', 'Create the topic'],
  ['an id of a topic', broker(100), 'logTopicNotFound', 'every broker'],
  ['an offset', broker(1), 'logOffsetOutOfRange', 'retention'],
  ['a large record', broker(10), 'logRecordTooLarge', 'max.message.bytes'],
  ['no leader', broker(6), 'logUnavailable', 'tried again'],
  ['anything else', new Error('surprise'), 'logUnavailable', 'surprise'],
])('%s is told with its cause and with what to do', (_name, error, code, text) => {
  const told = logErrorOf(error, 'do it');
  expect(told).toMatchObject({ code, cause: error, message: expect.stringContaining(text) });
  expect(told.message).toMatch(/^Kafka could not do it: /);
});

test('the innermost causes are told, not their wrappings', () => {
  expect(logErrorOf(unreachable(node('ECONNREFUSED')), 'do it').message).toBe(
    'Kafka could not do it: node says ECONNREFUSED. Check the address of the brokers, and that they run.',
  );
});

test('errors of the product stay as they are', () => {
  const error = new AppError('overloaded', 'full');
  expect(logErrorOf(error, 'do it')).toBe(error);
});
