import { describe, expect, test } from 'vitest';
import { parseHandshake, parseStart } from './parse-handshake.ts';

const parse = (line: string) => parseHandshake(Buffer.from(line));
const handshakeOf = (line: string) => {
  const parsed = parse(line);
  return parsed.ok ? { ...parsed.handshake, form: parsed.handshake.form.name } : parsed.reason;
};
const plain = { form: 'raw', start: { at: 'live' }, isAligned: false, withAck: false };

describe('the first line of a viewer', () => {
  test.each([
    ['user-5 zato02', 'user-5', 'zato02'],
    ['user-5 zato02\r', 'user-5', 'zato02'],
    ['  user-5 \t  zato02  ', 'user-5', 'zato02'],
    ["x'; DROP TABLE users;-- zato02".replaceAll('; ', ';').replace('DROP TABLE ', 'DROP'), "x';DROPusers;--", 'zato02'],
    ['übel ähre', 'übel', 'ähre'],
  ])('%j is a user and a channel', (line, user, channel) => {
    expect(handshakeOf(line)).toEqual({ user, channel, ...plain });
  });

  test('words behind the channel that are no options are ignored', () => {
    expect(handshakeOf('user-5 zato02 please now=1')).toEqual({ user: 'user-5', channel: 'zato02', ...plain });
  });

  test('options are apart by blanks or commas', () => {
    const wanted = {
      user: 'u',
      channel: 'c',
      form: 'v1',
      start: { at: 'number', epoch: 3, sequence: 17 },
      isAligned: false,
      withAck: true,
    };
    expect(handshakeOf('u c from=3:17,frame=v1,ack=1')).toEqual(wanted);
    expect(handshakeOf('u c frame=v1  ack=1 from=3:17')).toEqual(wanted);
    expect(handshakeOf('u c align=ts')).toEqual({ user: 'u', channel: 'c', ...plain, isAligned: true });
  });

  test.each([
    '',
    'user-5',
    `${'u'.repeat(129)} c`,
    `u ${'c'.repeat(65)}`,
    'u\u0001 c',
    'u c frame=v2',
    'u c frame=toString',
    'u c from=soon',
    'u c ack=1',
    'u c ack=yes,frame=v1',
    'u c align=ts,frame=len',
  ])('%j is refused', (line) => {
    expect(parse(line).ok).toBe(false);
  });

  test('what is no text is refused', () => {
    expect(parseHandshake(Buffer.from([0x75, 0xff, 0x20, 0x63])).ok).toBe(false);
  });

  test.each([
    ['live', { at: 'live' }],
    ['17', { at: 'number', epoch: undefined, sequence: 17 }],
    ['2:0', { at: 'number', epoch: 2, sequence: 0 }],
    ['-30s', { at: 'ago', ms: 30_000 }],
    ['-86401s', undefined],
    ['9999999999999999', undefined],
    ['-30', undefined],
    ['1:', undefined],
  ])('from=%s', (text, start) => {
    expect(parseStart(text)).toEqual(start);
  });
});
