import type { MetricTable } from '../observe/metrics.ts';

export const tlsMetricTable = {
  sluice_tls_certificate_expires_seconds: {
    type: 'gauge',
    help: 'Unix time at which the certificate in use expires.',
    labels: ['listener'],
  },
  sluice_tls_certificates_refused_total: {
    type: 'counter',
    help: 'Changed certificate files that were not taken; the old certificate stays in use.',
    labels: ['listener'],
  },
  sluice_tls_handshake_failures_total: { type: 'counter', help: 'Connections that ended before they were secure.', labels: ['listener'] },
} as const satisfies MetricTable;
