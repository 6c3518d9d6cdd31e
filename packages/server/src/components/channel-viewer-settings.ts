import { z } from 'zod';
import { addressSetting, byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';

/** Settings of the viewer of a channel. */
export const channelViewerSettings = z.object({
  server: addressSetting('127.0.0.1:9111').describe('Where the channels are shown.'),
  user: z.string().min(1).max(128).default('user-1').describe('Who watches; must be registered.'),
  channel: z.string().min(1).max(64).default('zato01').describe('What is watched.'),
  frame: z
    .enum(['raw', 'v1'])
    .default('v1')
    .describe('v1: numbers are checked, and a new connection goes on behind the last one. raw: payload bytes and no more.'),
  from: z
    .string()
    .regex(/^(live|(\d{1,16}:)?\d{1,16}|-\d{1,6}s)$/, 'must be live, <epoch>:<number>, <number> or -<seconds>s')
    .default('live')
    .describe('Where it begins.'),
  file: z.string().default('').meta({ form: 'path' }).describe('Where payloads are written. Empty: they are only counted.'),
  duration: durationSetting('0s', { min: '0s', max: '24h' }).describe('How long it watches. 0s: until it is stopped.'),
  bytes: byteSizeSetting('0B', { min: '0B', max: '1TB' }).describe('It ends with so much payload. 0B: never.'),
  reconnect: z.boolean().default(true).describe('Connect again when the connection ends; false: that ends it.'),
});
