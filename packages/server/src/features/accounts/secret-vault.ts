import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../kernel/errors/app-error.ts';

interface SecretVaultOptions {
  /** 32 bytes, the same on every node. */
  readonly key: Uint8Array;
  /** Random text of the alphabet `0-9a-zA-Z`. */
  readonly randomId: (length: number) => string;
}

/** A secret as it may be stored. */
export interface StoredSecret {
  /** HMAC-SHA-256 under the key, base64. */
  readonly hash: string;
  /** AES-256-GCM, base64 of nonce (12 bytes), text and tag (16 bytes). */
  readonly sealed: string;
}

const secretLength = 48;
const nonceLength = 12;
const tagLength = 16;

/**
 * Secrets of sources: what is stored says nothing without the key. The hash serves ingest, the sealed copy serves the API's display.
 * A sealed copy is bound to its owner (a source key): copied to another one it does not open.
 */
export class SecretVault {
  readonly #hashKey: Buffer;
  readonly #sealKey: Buffer;
  readonly #randomId: (length: number) => string;

  constructor({ key, randomId }: SecretVaultOptions) {
    if (key.length !== 32) throw new AppError('configInvalid', `The secret key has ${key.length} bytes, it must have 32.`);
    this.#hashKey = createHmac('sha256', key).update('sluice secret hash').digest();
    this.#sealKey = createHmac('sha256', key).update('sluice secret seal').digest();
    this.#randomId = randomId;
  }

  newSecret(): string {
    return this.#randomId(secretLength);
  }

  store(secret: string, owner: string): StoredSecret {
    const nonce = randomBytes(nonceLength);
    const cipher = createCipheriv('aes-256-gcm', this.#sealKey, nonce).setAAD(Buffer.from(owner));
    const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return { hash: this.#hash(secret).toString('base64'), sealed: Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64') };
  }

  /** The secret. `invariantBroken` where key or owner is another one, or the copy was changed. */
  open(sealed: string, owner: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const nonce = bytes.subarray(0, nonceLength);
      const decipher = createDecipheriv('aes-256-gcm', this.#sealKey, nonce, { authTagLength: tagLength });
      decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(-tagLength));
      return Buffer.concat([decipher.update(bytes.subarray(nonceLength, -tagLength)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new AppError('invariantBroken', `The secret of "${owner}" cannot be opened: it was sealed under another key.`, { cause });
    }
  }

  /** Takes the same time whatever the given text is. */
  secretMatches(hash: string, given: string | Uint8Array): boolean {
    const expected = Buffer.from(hash, 'base64');
    const actual = this.#hash(given);
    return expected.length === actual.length && timingSafeEqual(expected, actual);
  }

  #hash(secret: string | Uint8Array): Buffer {
    return createHmac('sha256', this.#hashKey).update(secret).digest();
  }
}
