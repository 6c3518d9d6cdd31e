import { randomBytes } from 'node:crypto';

/** So many random bytes; must be fit for secrets. */
export type RandomSource = (count: number) => Uint8Array;

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** Bytes from here on are thrown away: they would make the first letters likelier than the others. */
const limit = 256 - (256 % alphabet.length);

/** A text of `length` letters and digits, all equally likely; good for secrets. */
export function randomId(length: number, random: RandomSource = randomBytes): string {
  let id = '';
  while (id.length < length) {
    for (const byte of random(length - id.length)) if (byte < limit) id += alphabet[byte % alphabet.length];
  }
  return id;
}
