import { z } from 'zod';
import type { OrderRules } from '../features/channels/order-rules.ts';
import { startPolicies } from '../features/channels/order-rules.ts';
import type { SourceSettings } from '../features/channels/source-settings.ts';
import { type HostPort, parseHostPort } from '../kernel/codec/host-port.ts';
import { byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { count } from './setting-forms.ts';

const address = z.string().refine((text) => parseHostPort(text).ok, 'must be written host:port, as 127.0.0.1:9110');

/** Where the packets of the channels come from. */
export const channelSourcesSettings = z
  .object({
    addresses: z
      .array(address)
      .min(1)
      .max(16)
      .default(['localhost:9110'])
      .describe('Channel sources that are connected to. Several bring the same channels; each packet counts once.'),
    magicHex: z
      .string()
      .regex(/^([0-9a-fA-F]{10})?$/, 'must be ten hexadecimal digits, or empty')
      .default('')
      .describe(
        'The five bytes that every frame must begin with; after damage they are looked for. Empty: any, and damage costs the connection.',
      ),
    maxPayload: byteSizeSetting('1MB', { min: '1B', max: '16MB' }).describe('Payload of a packet; a larger one costs the connection.'),
    connectTimeout: durationSetting('5s', { min: '10ms', max: '1m' }).describe('Time for a connection to be made.'),
    idleTimeout: durationSetting('10s', { min: '10ms', max: '24h' }).describe('A source that sends nothing for so long is connected anew.'),
    backoffMin: durationSetting('250ms', { min: '1ms', max: '1m' }).describe('Longest first wait before a source is tried again.'),
    backoffMax: durationSetting('10s', { min: '1ms', max: '10m' }).describe('Longest wait, after many attempts.'),
  })
  .refine(({ backoffMin, backoffMax }) => backoffMin <= backoffMax, {
    message: 'The first wait must not be longer than the longest one.',
    path: ['backoffMin'],
  });

/** How the packets of a channel are put in order. */
export const channelOrderSettings = z
  .object({
    window: count(512, { min: 1, max: 8192 }).describe('Packets of a channel that may wait for an earlier one.'),
    timeout: durationSetting('200ms', { min: '1ms', max: '1m' }).describe('How long a packet may wait for an earlier one.'),
    startPolicy: z
      .enum(startPolicies)
      .default('first')
      .describe('Where a channel begins: with the lowest number of the first packets, or with 0 where that is among them.'),
    resetDistance: count(4096, { min: 1, max: 1_000_000 }).describe('Numbers further ahead are taken for another count.'),
    maxChannels: count(1024, { min: 1, max: 100_000 }).describe('Channels; packets of further ones are dropped.'),
    maxChannelBuffer: byteSizeSetting('32MB', { min: '2MB', max: '1GB' }).describe('Memory in which the packets of one channel may wait.'),
  })
  .refine(({ window, resetDistance }) => window <= resetDistance, {
    message: 'The window must not be longer than the reset distance.',
    path: ['window'],
  });

export const sourceAddresses = ({ addresses }: z.output<typeof channelSourcesSettings>): HostPort[] =>
  addresses.flatMap((text) => {
    const parsed = parseHostPort(text);
    return parsed.ok ? [parsed.value] : [];
  });

export const sourceSettings = (settings: z.output<typeof channelSourcesSettings>): SourceSettings => ({
  maxPayloadBytes: settings.maxPayload,
  magic: Buffer.from(settings.magicHex, 'hex'),
  connectTimeoutMs: settings.connectTimeout,
  idleMs: settings.idleTimeout,
  backoff: { initialMs: settings.backoffMin, maxMs: settings.backoffMax },
});

export const orderRules = (settings: z.output<typeof channelOrderSettings>): OrderRules => ({
  windowPackets: settings.window,
  timeoutMs: settings.timeout,
  startPolicy: settings.startPolicy,
  resetDistance: settings.resetDistance,
  maxChannelBytes: settings.maxChannelBuffer,
});
