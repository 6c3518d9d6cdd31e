import { z } from 'zod';
import type { LogConfig } from '../engines/log/log-config.ts';
import { parseHostPort } from '../kernel/codec/host-port.ts';
import { byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';

const mechanisms = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;

const saslSettings = z
  .object({
    mechanism: z
      .enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512'])
      .default('none')
      .describe('How this process logs in to Kafka. plain sends the password as it is: with TLS only.'),
    username: z.string().default('').describe('User of the login.'),
    password: z.string().default('').meta({ secret: true }).describe('Password of the login. Better in a file.'),
    passwordFile: z.string().default('').meta({ form: 'path' }).describe('File with the password instead; it may end in a line break.'),
  })
  .refine(({ mechanism, username }) => mechanism === 'none' || username !== '', { message: 'A login needs a user.', path: ['username'] })
  .refine(({ mechanism, password, passwordFile }) => mechanism === 'none' || (password === '') !== (passwordFile === ''), {
    message: 'A login needs either a password or a file that holds it.',
    path: ['password'],
  });

/** Settings of the log that events are kept in. */
export const logSettings = z.object({
  engine: z
    .enum(['embedded', 'kafka'])
    .default('embedded')
    .describe('Where events are kept: in the data folder of this process, or on Apache Kafka 3.1 or later.'),
  embedded: z.object({
    segmentSize: byteSizeSetting('64MB', { min: '1MB', max: '1GB' }).describe(
      'A file of a topic that has this size is followed by the next.',
    ),
    segmentAge: durationSetting('1h', { min: '1m', max: '168h' }).describe('And so is one whose first event has this age.'),
    retention: durationSetting('168h', { min: '0s', max: '87600h' }).describe(
      'Files go once their newest event has this age and every consumer group that is known has read them.',
    ),
    maxTopicSize: byteSizeSetting('10GB', { min: '2MB', max: '10TB' }).describe(
      'Of the files of a topic. Over it the oldest go, read or not; what a group loses is counted.',
    ),
  }),
  kafka: z.object({
    brokers: z
      .array(
        z.string().refine((text) => parseHostPort(text).ok, { message: 'a broker is written host:port, such as kafka:9092 or [::1]:9092' }),
      )
      .min(1)
      .default(['127.0.0.1:9092'])
      .describe('Addresses of brokers; one that answers is enough.'),
    clientId: z.string().min(1).default('sluice').describe('Name of this process in the logs and quotas of Kafka.'),
    sessionTimeout: durationSetting('10s', { min: '500ms', max: '10m' }).describe(
      'A consumer that Kafka does not hear of for this time loses its partitions.',
    ),
    deliveryTimeout: durationSetting('20s', { min: '1s', max: '10m' }).describe('Events are tried again for this time before they fail.'),
    replicas: z
      .int()
      .min(-1)
      .max(32_767)
      .refine((count) => count !== 0, { message: 'must be -1 or at least 1' })
      .default(-1)
      .describe("Of topics that are made here. -1: the cluster's default."),
    sasl: saslSettings,
    tls: z.object({
      enabled: z.boolean().default(false).describe('Speak TLS with the brokers.'),
      ca: z.string().default('').meta({ form: 'path' }).describe("PEM file of the authorities to trust. Empty: the system's."),
    }),
  }),
});

/** What `openLogEngine` takes. `folder` is the embedded log's. */
export function logConfigOf({ engine, embedded, kafka }: z.output<typeof logSettings>, folder: string): LogConfig {
  if (engine === 'embedded') {
    const { segmentSize, segmentAge, retention, maxTopicSize } = embedded;
    return {
      kind: 'sqlite',
      folder,
      segmentBytes: segmentSize,
      segmentMs: segmentAge,
      retentionMs: retention,
      maxTopicBytes: maxTopicSize,
    };
  }
  const { brokers, clientId, sessionTimeout, deliveryTimeout, replicas, sasl, tls } = kafka;
  const secret = sasl.passwordFile === '' ? { password: sasl.password } : { passwordFile: sasl.passwordFile };
  return {
    kind: 'kafka',
    brokers,
    clientId,
    sessionTimeoutMs: sessionTimeout,
    deliveryTimeoutMs: deliveryTimeout,
    replicas,
    ...(sasl.mechanism === 'none' ? {} : { sasl: { mechanism: mechanisms[sasl.mechanism], username: sasl.username, ...secret } }),
    ...(tls.enabled ? { tls: tls.ca === '' ? {} : { caFile: tls.ca } } : {}),
  };
}
