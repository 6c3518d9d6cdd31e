import { z } from 'zod';

export const count = (fallback: number, { min, max }: { min: number; max: number }) => z.int().min(min).max(max).default(fallback);

/** Both files or none; the whole of both is read again and again while the service runs. */
export const tlsFiles = () =>
  z
    .object({
      cert: z
        .string()
        .default('')
        .meta({ form: 'path' })
        .describe('PEM file of the certificate and its chain; with it the listener takes TLS only. Empty: no TLS.'),
      key: z
        .string()
        .default('')
        .meta({ form: 'path' })
        .describe('PEM file of the private key. A change of either file is taken for new connections.'),
    })
    .refine(({ cert, key }) => (cert === '') === (key === ''), { message: 'TLS needs both files, cert and key.' });
