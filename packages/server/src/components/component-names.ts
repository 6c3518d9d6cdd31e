/** In the order in which they start: each needs only what stands before it. */
export const ingestComponents = ['storage-coordinator', 'storage-writer', 'storage-reader', 'http-source', 'api'] as const;
export const eventComponents = ['consumer-high', 'consumer-low', 'event-api', 'aggregator', 'event-producer'] as const;
const channelComponents = ['channels', 'channel-source', 'channel-viewer'] as const;
export const componentNames = [...ingestComponents, ...eventComponents, ...channelComponents] as const;
export type ComponentName = (typeof componentNames)[number];

/** What `all` stands for: the service. Who makes up events of its own is asked for by name. */
export const serviceComponents: readonly ComponentName[] = [
  ...ingestComponents,
  'consumer-high',
  'consumer-low',
  'event-api',
  'aggregator',
  'channels',
];
