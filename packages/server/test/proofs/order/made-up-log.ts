import type { Call } from '../shim/call-log.ts';

type Told = Partial<Omit<Call, 'begin' | 'end' | 'name'>> & Pick<Call, 'name'>;

/** A log of calls that follow each other, each over before the next begins: the n-th has the numbers 10n and 10n + 1. */
export function madeUpLog(...told: readonly Told[]): Call[] {
  return told.map((call, index) => ({
    begin: (index + 1) * 10,
    end: (index + 1) * 10 + 1,
    atMs: index,
    result: call.name === 'write' || call.name === 'answer' ? (call.length ?? 0) : 0,
    errno: 0,
    offset: -1,
    length: 0,
    path: '',
    other: '',
    ...call,
  }));
}
