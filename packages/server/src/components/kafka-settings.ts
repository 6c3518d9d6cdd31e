import { z } from 'zod';
import type { LogConfig } from '../engines/log/log-config.ts';
import { parseHostPort } from '../kernel/codec/host-port.ts';
import { byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';

const broker = z.string().refine((text) => parseHostPort(text).ok, 'a broker is written host:port');

export const kafkaSettings = z
  .object({
    brokers: z.array(broker).default([]).describe('Brokers as host:port; one that answers is enough. Empty: the embedded log.'),
    clientId: z.string().min(1).default('sluice').describe('Name of this process in the logs of the brokers.'),
    replicas: z
      .int()
      .min(-1)
      .max(1000)
      .refine((count) => count !== 0, 'must be -1 or at least 1')
      .default(-1)
      .describe("Of topics that are made here. -1: the cluster's default."),
    sessionTimeout: durationSetting('10s', { min: '500ms', max: '10m' }).describe(
      'A reader that the cluster does not hear of for this time loses its partitions.',
    ),
    deliveryTimeout: durationSetting('20s', { min: '1s', max: '10m' }).describe('Time in which records are tried again before they fail.'),
    sasl: z.object({
      mechanism: z.enum(['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).default('none').describe('How this process logs in.'),
      username: z.string().default(''),
      password: z.string().default('').meta({ secret: true }).describe('Password, or a file that holds it.'),
      passwordFile: z.string().default('').meta({ form: 'path' }).describe('File that holds the password.'),
    }),
    tls: z.object({
      enabled: z.boolean().default(false).describe('Speak TLS with the brokers.'),
      caFile: z
        .string()
        .default('')
        .meta({ form: 'path' })
        .describe("PEM file of authorities that are trusted in the place of the system's."),
    }),
  })
  .refine(({ sasl }) => sasl.mechanism === 'none' || (sasl.username !== '' && (sasl.password === '') !== (sasl.passwordFile === '')), {
    message: 'A login needs a user name, and a password or a file that holds it.',
    path: ['sasl'],
  });

/** Settings of the embedded log. */
export const eventLogSettings = z.object({
  retention: durationSetting('168h', { min: '0s', max: '87600h' }).describe(
    'Files of the embedded log go once their newest event has this age and every consumer group that is known has read them.',
  ),
  maxTopicSize: byteSizeSetting('10GB', { min: '128MB', max: '10TB' }).describe(
    'Of the files of a topic. Over it the oldest go, read or not; what a group loses is counted.',
  ),
});

interface LogSettings {
  readonly kafka: z.output<typeof kafkaSettings>;
  readonly eventLog: z.output<typeof eventLogSettings>;
}

/** The log of a process: Kafka where brokers are named, else the embedded one in the folder. */
export function logConfig({ kafka, eventLog }: LogSettings, folder: string): LogConfig {
  const { brokers, clientId, replicas, sasl, tls, ...times } = kafka;
  if (brokers.length === 0) return { kind: 'sqlite', folder, retentionMs: eventLog.retention, maxTopicBytes: eventLog.maxTopicSize };
  const { mechanism, username, password, passwordFile } = sasl;
  return {
    kind: 'kafka',
    brokers,
    clientId,
    replicas,
    sessionTimeoutMs: times.sessionTimeout,
    deliveryTimeoutMs: times.deliveryTimeout,
    ...(mechanism !== 'none' && { sasl: { mechanism, username, ...(password === '' ? { passwordFile } : { password }) } }),
    ...(tls.enabled && { tls: tls.caFile === '' ? {} : { caFile: tls.caFile } }),
  };
}
