import { z } from 'zod';
import { addressSetting, byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { count } from './setting-forms.ts';

const share = (what: string) => z.number().min(0).max(1).default(0).describe(`Share of the packets, 0 to 1, that ${what}.`);
const every = (what: string) => count(0, { min: 0, max: Number.MAX_SAFE_INTEGER }).describe(`${what} 0: never.`);

/** Settings of the made-up source of channels. */
export const channelSourceSettings = z.object({
  listen: addressSetting('127.0.0.1:9110').describe('Made-up channel source: who connects is sent packets, and asked for nothing.'),
  duration: durationSetting('0s', { max: '8760h' }).describe('Time after which it closes every connection and the process ends. 0: never.'),
  channels: z
    .array(z.string().regex(/^[\x21-\x7e]{1,6}$/, 'must be 1 to 6 letters, digits or signs'))
    .min(1)
    .max(1000)
    .default(['zato01', 'zato02'])
    .describe('Channels that are sent.'),
  rate: z.number().min(0.001).max(1_000_000).default(50).describe('Packets of each channel in a second.'),
  payload: byteSizeSetting('1316B', { min: '1B', max: '1MB' }).describe('Payload of a packet.'),
  reorderWindow: count(20, { min: 0, max: 100_000 }).describe('Packets are shuffled among so many. 0: not at all.'),
  loss: share('are never sent'),
  dup: share('are sent twice'),
  late: share('are sent much later'),
  lateBy: count(1000, { min: 1, max: 1_000_000 }).describe('How many packets later that is.'),
  startSeq: count(0, { min: 0, max: Number.MAX_SAFE_INTEGER }).describe('First number of each channel.'),
  restartEvery: every('Packets of a channel after which its numbers begin again.'),
  sequences: z
    .enum(['live', 'connection'])
    .default('live')
    .describe('One stream for all that connect, begun by the first of them; or one from its begin for each connection.'),
  stallEvery: durationSetting('0s', { max: '24h' }).describe('Time of sending after which nothing is sent for a while. 0: never.'),
  stallFor: durationSetting('5s', { max: '1h' }).describe('How long that is.'),
  cutEvery: every('Packets, of all channels, after which connections end within a frame.'),
  garbage: share('have bytes before them that are no packet'),
  seed: count(0, { min: 0, max: 2 ** 32 - 1 }).describe('The same seed sends the same. 0: another one at each start.'),
  prefixHex: z
    .string()
    .regex(/^[0-9a-fA-F]{10}$/, 'must be ten hexadecimal digits')
    .default('0000000000')
    .describe('The five bytes that a frame begins with.'),
  inputTs: z.string().default('').meta({ form: 'path' }).describe('File whose bytes are sent, again and again. Empty: made-up bytes.'),
});
