import { expect, test } from 'vitest';
import { channelOrderSettings, channelSourcesSettings, orderRules, sourceAddresses, sourceSettings } from './channel-order-settings.ts';

test('the defaults are those that are documented', () => {
  const sources = channelSourcesSettings.parse({});
  expect(sourceAddresses(sources)).toEqual([{ host: 'localhost', port: 9110 }]);
  expect(sourceSettings(sources)).toEqual({
    maxPayloadBytes: 1024 * 1024,
    magic: Buffer.alloc(0),
    connectTimeoutMs: 5000,
    idleMs: 10_000,
    backoff: { initialMs: 250, maxMs: 10_000 },
  });
  expect(orderRules(channelOrderSettings.parse({}))).toEqual({
    windowPackets: 512,
    timeoutMs: 200,
    startPolicy: 'first',
    resetDistance: 4096,
    maxChannelBytes: 32 * 1024 * 1024,
  });
});

test.each([
  [channelSourcesSettings, { addresses: ['nowhere'] }],
  [channelSourcesSettings, { addresses: [] }],
  [channelSourcesSettings, { magicHex: 'abc' }],
  [channelSourcesSettings, { backoffMin: '10s', backoffMax: '1s' }],
  [channelOrderSettings, { window: 5000 }],
  [channelOrderSettings, { startPolicy: 'last' }],
])('%# %j is refused', (schema, settings) => {
  expect(schema.safeParse(settings).success).toBe(false);
});

test('a magic is read as its five bytes', () => {
  expect(sourceSettings(channelSourcesSettings.parse({ magicHex: '00Ff102030' })).magic).toEqual(Buffer.from([0, 255, 16, 32, 48]));
});
