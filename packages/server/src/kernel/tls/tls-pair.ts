import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureVersion } from 'node:tls';
import { AppError } from '../errors/app-error.ts';

/** PEM files of a listener. */
export interface TlsFiles {
  /** The certificate and the intermediate ones that lead to its root. */
  readonly cert: string;
  /** The private key, without a passphrase. */
  readonly key: string;
}

/** A certificate with its key, as `https` and `setSecureContext` take it. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: SecureVersion;
}

export interface CheckedPair {
  readonly pair: TlsPair;
  /** Milliseconds since the epoch, of the first certificate in the file. */
  readonly expiresAt: number;
}

/** Both texts; rejects with the error of the file system, which names the file. */
export async function readTlsFiles({ cert, key }: TlsFiles): Promise<TlsFiles> {
  const [certText, keyText] = await Promise.all([readFile(cert, 'utf8'), readFile(key, 'utf8')]);
  return { cert: certText, key: keyText };
}

/** Throws where the texts are no PEM, or the key is not that of the certificate. The reason quotes neither. */
export function checkTlsPair({ cert, key }: TlsFiles): CheckedPair {
  const pair: TlsPair = { cert, key, minVersion: 'TLSv1.2' };
  const first = new X509Certificate(cert);
  if (!first.checkPrivateKey(createPrivateKey(key))) throw new AppError('configInvalid', 'the key is not that of the certificate');
  // The intermediate certificates, too.
  createSecureContext(pair);
  return { pair, expiresAt: first.validToDate.getTime() };
}
