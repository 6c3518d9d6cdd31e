import { randomBytes } from 'node:crypto';
import type { RandomSource } from './random-id.ts';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const timeLetters = 10;
const randomLetters = 16;

/** 26 letters and digits that sort by the time (milliseconds since the epoch), then 80 random bits. */
export function ulid(nowMs: number, random: RandomSource = randomBytes): string {
  let time = '';
  for (let rest = nowMs; time.length < timeLetters; rest = Math.floor(rest / 32)) time = `${alphabet[rest % 32]}${time}`;
  return time + Array.from(random(randomLetters), (byte) => alphabet[byte % 32]).join('');
}
