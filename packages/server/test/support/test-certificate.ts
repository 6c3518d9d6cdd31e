import { execFile } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { TlsFiles } from '../../src/kernel/tls/tls-pair.ts';

const run = promisify(execFile);

/** Both in PEM; the certificate is its own authority, for localhost, 127.0.0.1 and [::1]. The key is PKCS #8. */
export async function makeCertificate(name: string, days = 1): Promise<TlsFiles> {
  const { stdout } = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)],
    ...['-keyout', '-', '-out', '-', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'],
  ]);
  const from = stdout.indexOf('-----BEGIN CERTIFICATE-----');
  return { key: stdout.slice(0, from), cert: stdout.slice(from) };
}

/** Replaces the files, each at once, one after the other. */
export async function writeCertificate(files: TlsFiles, { cert, key }: TlsFiles): Promise<void> {
  for (const [file, text] of [
    [files.cert, cert],
    [files.key, key],
  ] as const) {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }
}
