import { expect, test } from 'vitest';
import { channelFanoutSettings, fanoutRules } from './channel-fanout-settings.ts';

test('without settings viewers are shown as the original showed them, within bounds', () => {
  expect(channelFanoutSettings.parse({})).toEqual({
    listen: { host: '127.0.0.1', port: 9111 },
    packetBatchSize: 0,
    replay: 30_000,
    sessionQueue: 4 * 1024 ** 2,
    slowPolicy: 'drop-oldest',
    userPolicies: [],
    handshakeTimeout: 5000,
    handshakeMaxSize: 4096,
    handshakeErrors: 'silent',
    maxSessions: 10_000,
    maxSessionsPerUser: 0,
    maxSessionsPerAddress: 0,
    keepAlive: 30_000,
    heartbeat: 15_000,
  });
});

test.each(['user-1:disconnect', 'ünser:skip-to-live'])('%s is the policy of a user', (text) => {
  const [user = '', policy] = text.split(':');
  expect(fanoutRules(channelFanoutSettings.parse({ userPolicies: [text] })).userPolicies).toEqual(new Map([[user, policy]]));
});

test.each(['user-1', 'user-1:wait', ':pause', 'a b:pause'])('%j is none', (text) => {
  expect(channelFanoutSettings.safeParse({ userPolicies: [text] }).success).toBe(false);
});
