import { z } from 'zod';
import type { FanoutRules } from '../features/channels/channel-hub.ts';
import { slowPolicies } from '../features/channels/slow-policies.ts';
import type { ViewerServerSettings } from '../features/channels/viewer-server.ts';
import { addressSetting, byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { count } from './setting-forms.ts';

const userPolicy = new RegExp(`^[^\\s:]{1,128}:(${slowPolicies.join('|')})$`);

/** Settings of the fan-out of channels to viewers, and of the TCP listener for them. */
export const channelFanoutSettings = z.object({
  listen: addressSetting('127.0.0.1:9111').describe('Channels: where viewers say `<user> <channel>` and get packets.'),
  packetBatchSize: count(0, { min: 0, max: 100_000 }).describe('Packets of one write to a viewer, at most. 0: as many as have 64 KB.'),
  replay: durationSetting('30s', { min: '0s', max: '1h' }).describe('How long packets are kept for viewers that come back.'),
  sessionQueue: byteSizeSetting('4MB', { min: '64KB', max: '1GB' }).describe('Payload that a viewer may lag by.'),
  slowPolicy: z
    .enum(slowPolicies)
    .default('drop-oldest')
    .describe(
      'What becomes of a viewer that lags by more: whole packets are left out, all that wait is, or it is disconnected. pause: it is disconnected when the replay has no more what it lacks.',
    ),
  userPolicies: z
    .array(z.string().regex(userPolicy, 'must be <user>:<policy>'))
    .default([])
    .describe('Users with a policy of their own, as `user-1:disconnect`.'),
  handshakeTimeout: durationSetting('5s', { min: '10ms', max: '5m' }).describe('A viewer must have said its line within this time.'),
  handshakeMaxSize: byteSizeSetting('4KB', { min: '64B', max: '64KB' }).describe('Length of that line.'),
  handshakeErrors: z
    .enum(['silent', 'line'])
    .default('silent')
    .describe('A viewer that is turned away: its connection is closed, with line after `ERR <code> <text>`.'),
  maxSessions: count(10_000, { min: 0, max: 1_000_000 }).describe('Connections of viewers. 0: no limit.'),
  maxSessionsPerUser: count(0, { min: 0, max: 1_000_000 }).describe('Sessions of a user. 0: no limit.'),
  maxSessionsPerAddress: count(0, { min: 0, max: 1_000_000 }).describe('Connections from an address. 0: no limit.'),
  keepAlive: durationSetting('30s', { min: '1s', max: '2h' }).describe('Quiet connections are probed after this time.'),
  heartbeat: durationSetting('15s', { min: '1s', max: '10m' }).describe('How often quiet browsers are shown that the service is there.'),
});

type FanoutSettings = z.output<typeof channelFanoutSettings>;

const gatherMs = 2;
/** Two packets of 200 a second: one write for both is what keeps their cost below that of the system for one each. */
const many = { viewers: 64, gatherMs: 7 };

export function fanoutRules(settings: FanoutSettings): FanoutRules {
  const { replay, packetBatchSize, sessionQueue, slowPolicy, userPolicies } = settings;
  return {
    replayMs: replay,
    gatherMs,
    many,
    packetBatchSize,
    maxLagBytes: sessionQueue,
    policy: slowPolicy,
    userPolicies: new Map(
      userPolicies.flatMap((text) => {
        const policy = slowPolicies.find((name) => text.endsWith(`:${name}`));
        return policy === undefined ? [] : [[text.slice(0, text.lastIndexOf(':')), policy]];
      }),
    ),
  };
}

export const sessionLimits = (settings: FanoutSettings) => ({
  total: settings.maxSessions,
  perUser: settings.maxSessionsPerUser,
  perAddress: settings.maxSessionsPerAddress,
});

export const viewerServerSettings = (settings: FanoutSettings): ViewerServerSettings => ({
  handshakeTimeoutMs: settings.handshakeTimeout,
  handshakeMaxBytes: settings.handshakeMaxSize,
  handshakeErrors: settings.handshakeErrors,
  keepAliveMs: settings.keepAlive,
});
