import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { parseHostPort } from '../../../kernel/codec/host-port.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { logConfigSchema } from '../log-config.ts';
import type { KafkaClientOptions } from './kafka-cluster.ts';
import { KafkaLogEngine } from './kafka-log-engine.ts';

type KafkaConfig = Extract<z.output<typeof logConfigSchema>, { kind: 'kafka' }>;

interface KafkaDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Reads the files that the configuration names, and connects. `configInvalid` where one cannot be read; else as `KafkaLogEngine.open`. */
export async function openKafkaLog(config: KafkaConfig, deps: KafkaDeps): Promise<KafkaLogEngine> {
  const { sessionTimeoutMs, deliveryTimeoutMs, replicas } = config;
  return KafkaLogEngine.open({ client: await clientOptions(config), sessionTimeoutMs, deliveryTimeoutMs, replicas, ...deps });
}

async function clientOptions({ brokers, clientId, deliveryTimeoutMs, sasl, tls }: KafkaConfig): Promise<KafkaClientOptions> {
  return {
    clientId,
    brokers: brokers.map((broker) => {
      const parsed = parseHostPort(broker);
      if (parsed.ok) return parsed.value;
      throw new AppError('configInvalid', `log.brokers: ${broker}: ${parsed.reason}.`);
    }),
    connectTimeout: Math.min(5000, deliveryTimeoutMs),
    requestTimeout: Math.min(15_000, deliveryTimeoutMs),
    ...(sasl === undefined ? {} : { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: await passwordOf(sasl) } }),
    // By name, so that several brokers behind one certificate can be told apart.
    ...(tls === undefined
      ? {}
      : { tls: tls.caFile === undefined ? {} : { ca: [await fileText(tls.caFile, 'caFile')] }, tlsServerName: true }),
  };
}

async function passwordOf({ password, passwordFile }: NonNullable<KafkaConfig['sasl']>): Promise<string> {
  if (password !== undefined) return password;
  return (await fileText(passwordFile ?? '', 'passwordFile')).replace(/\r?\n$/, '');
}

async function fileText(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new AppError('configInvalid', `log.${setting}: the file cannot be read: ${errorText(error)}.`, { cause: error });
  }
}
