import { expect, test } from 'vitest';
import { formatTime } from './strftime.ts';

const sunday = Date.UTC(2006, 0, 1, 8, 4, 5, 123);
const afternoon = Date.UTC(2024, 11, 31, 13, 59, 9, 7);

test.each([
  ['%Y-%m-%dT%H:%M:%S.%fZ', '2006-01-01T08:04:05.123Z', '2024-12-31T13:59:09.007Z'],
  ['%A %a %B %b %h', 'Sunday Sun January Jan Jan', 'Tuesday Tue December Dec Dec'],
  ['%C|%y|%j', '20|06|001', '20|24|366'],
  ['%c', 'Sun Jan  1 08:04:05 2006', 'Tue Dec 31 13:59:09 2024'],
  ['%D|%F|%x', '01/01/06|2006-01-01|01/01/06', '12/31/24|2024-12-31|12/31/24'],
  ['%e|%v', ' 1| 1-Jan-2006', '31|31-Dec-2024'],
  ['%I|%k|%l|%p', '08| 8| 8|AM', '01|13| 1|PM'],
  ['%R|%r|%T|%X', '08:04|08:04:05 AM|08:04:05|08:04:05', '13:59|01:59:09 PM|13:59:09|13:59:09'],
  ['%U|%u|%V|%W|%w', '01|7|52|00|0', '52|2|01|53|2'],
  ['%Z%z%n%t%%', 'UTC+0000\n\t%', 'UTC+0000\n\t%'],
  ['plain é', 'plain é', 'plain é'],
  ['', '', ''],
])('%j is %j, and %j', (format, first, second) => {
  expect(formatTime(format, sunday)).toBe(first);
  expect(formatTime(format, afternoon)).toBe(second);
});

test('midnight and noon are 12', () => {
  expect(formatTime('%I %l %p', Date.UTC(2024, 0, 1))).toBe('12 12 AM');
  expect(formatTime('%I %l %p', Date.UTC(2024, 0, 1, 12))).toBe('12 12 PM');
});

test.each([
  [1970, '01'],
  [1999, '53'],
  [2005, '53'],
  [2008, '01'],
  [2010, '53'],
  [2011, '52'],
  [2012, '52'],
])('the first of January %s is in the ISO week %s', (year, week) => {
  expect(formatTime('%V', Date.UTC(year))).toBe(week);
});

test.each([
  ['%q', 'unknown verb %q'],
  ['%Y %E', 'unknown verb %E'],
  ['%😀', 'unknown verb %😀'],
  ['100%', 'stray % at the end of pattern'],
])('%j is refused: %s', (format, message) => {
  expect(() => formatTime(format, sunday)).toThrow(message);
});
