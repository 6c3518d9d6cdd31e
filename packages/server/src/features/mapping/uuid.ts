import { randomFillSync } from 'node:crypto';
import type { Clock } from '../../kernel/time/clock.ts';

/** Gives a new UUID with every call: 36 characters, lower case. */
export type UuidSource = () => string;

export interface UuidOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Fills the whole array with random bytes; cryptographic by default. */
  readonly random?: (target: Uint8Array) => void;
}

/**
 * UUIDs of version 7 (RFC 9562): 48 bits of milliseconds, a counter of 12 bits, 62 random bits.
 *
 * The UUIDs of one source ascend, as text too, whatever the clock does: the counter goes on within a millisecond and
 * while the clock is behind the last UUID; when it is used up, the next millisecond is taken in advance.
 */
export function createUuidV7({ clock, random = randomFillSync }: UuidOptions): UuidSource {
  const text = Buffer.from('00000000-0000-7000-8000-000000000000');
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  let milliseconds = -1;
  let counter = 0;

  const startMillisecond = (now: number): void => {
    milliseconds = now;
    counter = 0;
    const digits = now.toString(16).padStart(12, '0');
    text.write(digits.slice(0, 8), 0, 'latin1');
    text.write(digits.slice(8), 9, 'latin1');
  };
  const putDigit = (at: number, value: number): void => {
    text[at] = hexDigits[value & 0xf] ?? 0;
  };

  return () => {
    const now = Math.max(0, Math.floor(clock.now()));
    counter += 1;
    if (now > milliseconds) startMillisecond(now);
    else if (counter > maxCounter) startMillisecond(milliseconds + 1);
    putDigit(15, counter >> 8);
    putDigit(16, counter >> 4);
    putDigit(17, counter);

    if (used === poolBytes) {
      random(pool);
      used = 0;
    }
    putDigit(19, 0x8 | ((pool[used] ?? 0) & 0x3));
    putDigit(20, (pool[used] ?? 0) >> 4);
    let at = 21;
    for (let index = used + 1; index < used + randomBytes; index += 1) {
      if (at === 23) at += 1;
      const byte = pool[index] ?? 0;
      putDigit(at, byte >> 4);
      putDigit(at + 1, byte);
      at += 2;
    }
    used += randomBytes;
    return text.toString('latin1');
  };
}

const maxCounter = 0xfff;
/** Of one UUID; two of the 64 bits are not used. */
const randomBytes = 8;
const poolBytes = 512 * randomBytes;
const hexDigits = Buffer.from('0123456789abcdef');
