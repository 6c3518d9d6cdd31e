/** The nanoseconds of a time (RFC 3339) within its millisecond: the digits behind the third of a fraction that has no zeros at its end. */
export function nanosecondsOf(time: string): number {
  return Number((/\.(\d+)Z$/.exec(time)?.[1] ?? '').padEnd(9, '0').slice(3));
}
