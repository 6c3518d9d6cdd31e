import { Certificate } from '../kernel/tls/certificate.ts';
import type { TlsFiles } from '../kernel/tls/tls-pair.ts';
import type { NodeProcess } from './node.ts';

interface TlsListener {
  /** Its name in logs and metrics. */
  readonly listener: string;
  /** Empty names: no TLS. */
  readonly tls: TlsFiles;
}

/** `https` where the listener has a certificate. */
export const schemeOf = ({ cert }: TlsFiles): 'http' | 'https' => (cert === '' ? 'http' : 'https');

/** The certificate of a listener, followed while the process runs. `configInvalid` where it cannot be used. */
export async function openCertificate(node: NodeProcess, { listener, tls }: TlsListener): Promise<Certificate | undefined> {
  if (schemeOf(tls) === 'http') return undefined;
  const { tlsMetrics: metrics, clock, logger, lifecycle } = node;
  const certificate = await Certificate.open({ listener, files: tls, metrics, clock, logger });
  lifecycle.add(certificate);
  return certificate;
}
