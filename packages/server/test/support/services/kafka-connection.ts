import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaAddress, KafkaUser } from './kafka-service.ts';

type KafkaConnection = Pick<ConnectionOptions, 'tls' | 'sasl'> & { readonly clientId: string; bootstrapBrokers: string[] };

/** Options of a client of the plain listener. */
export const plainConnection = ({ plain }: KafkaAddress): KafkaConnection => ({ clientId: 'test', bootstrapBrokers: [plain] });

/** Options of a client of the secure listener, logged in as this user. */
export async function secureConnection({ secure, caFile }: KafkaAddress, { user, password }: KafkaUser): Promise<KafkaConnection> {
  return {
    clientId: 'test',
    bootstrapBrokers: [secure],
    tls: { ca: [await readFile(caFile, 'utf8')] },
    sasl: { mechanism: 'SCRAM-SHA-512', username: user, password },
  };
}
