import { join } from 'node:path';
import { openUsageStore } from '../engines/usage/registry.ts';
import type { UsageConfig } from '../engines/usage/usage-config.ts';
import type { UsageStore } from '../engines/usage/usage-store.ts';
import { makeDirectoryDurable } from '../kernel/folder/durable-file.ts';
import type { ChannelsSettings } from './channels-settings.ts';
import type { FolderHolder } from './node.ts';

/** What channels keep on this machine: the journal, and the embedded store. */
export const usageFolder = (dataFolder: string): string => join(dataFolder, 'usage');

/** The usage engine of a process: opened when it is asked for the first time. */
export type UsageEngine = () => Promise<UsageStore>;

export function usageEngine({ config, folder, lifecycle }: Pick<FolderHolder, 'config' | 'folder' | 'lifecycle'>): UsageEngine {
  let opened: Promise<UsageStore> | undefined;
  const open = async (): Promise<UsageStore> => {
    const path = usageFolder(folder.path);
    await makeDirectoryDurable(path, folder.path);
    return lifecycle.use('usage', await openUsageStore(usageConfigOf(config.channels, join(path, 'usage.db'))));
  };
  return () => {
    opened ??= open();
    return opened;
  };
}

function usageConfigOf({ usage }: ChannelsSettings, file: string): UsageConfig {
  const { engine, timeout: timeoutMs, keepRanges: rangesMs, keepPackets: packetsMs, cassandra } = usage;
  const common = { rangesMs, packetsMs, timeoutMs };
  return engine === 'embedded' ? { kind: 'sqlite', file, ...common } : { kind: 'cassandra', ...cassandra, ...common };
}
