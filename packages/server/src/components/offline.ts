import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { relieveFullDisk } from '../features/storage/relieve-full-disk.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import { AdminCommands } from '../kernel/folder/admin-commands.ts';
import { openDataFolder } from '../kernel/folder/data-folder.ts';
import { Lifecycle } from '../kernel/lifecycle/lifecycle.ts';
import type { Checkpoint } from '../kernel/observe/checkpoint.ts';
import type { Logger } from '../kernel/observe/logger.ts';
import { MetricRegistry } from '../kernel/observe/metrics.ts';
import { Readiness } from '../kernel/observe/readiness.ts';
import { systemClock } from '../kernel/time/clock.ts';
import { adminCommands } from './admin.ts';
import type { Config } from './config.ts';
import { eventEngines } from './event-engines.ts';
import { nodeProcess, openNode, volumesFolder } from './node.ts';
import { registerRoutesCommands } from './routes-admin.ts';
import { registerUsageCommands } from './usage-admin.ts';
import { usageEngine } from './usage-engine.ts';

interface OfflineOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly checkpoint: Checkpoint;
}

export interface OfflineCommands extends AsyncDisposable {
  readonly commands: AdminCommands;
}

/** The commands of a data folder that no service holds: no component runs, and the folder's lock is held until disposed. */
export async function offlineCommands({ config, logger, checkpoint }: OfflineOptions): Promise<OfflineCommands> {
  const { dataDir } = config;
  // A mistyped folder must not become one.
  if (!existsSync(join(dataDir, 'format')))
    throw new AppError('folderUnusable', `There is no data folder ${dataDir}: name it by --data-dir, or start the service first.`);
  const readiness = new Readiness();
  const lifecycle = new Lifecycle({ logger, deadlineMs: 10_000, markNotReady: () => readiness.markStopping() });
  const stop = new AbortController();
  try {
    await relieveFullDisk(volumesFolder(dataDir));
    const folder = lifecycle.use('data folder', await openDataFolder({ path: dataDir, logger }));
    const shared = { ...nodeProcess({ config, folder, lifecycle, readiness, metrics: new MetricRegistry(), checkpoint, logger }), folder };
    const node = await openNode(shared);
    const commands = adminCommands(node, { isService: false });
    registerRoutesCommands(commands, eventEngines(shared), shared);
    registerUsageCommands(commands, usageEngine(shared), shared);
    const running = lifecycle.run(stop.signal);
    return {
      commands,
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await running;
      },
    };
  } catch (error) {
    await lifecycle[Symbol.asyncDispose]();
    throw error;
  }
}

/** The commands about routes where neither the log nor the stores are in a data folder: nothing but their connections is held. */
export function remoteRoutesCommands({ config, logger }: Omit<OfflineOptions, 'checkpoint'>): OfflineCommands {
  const lifecycle = new Lifecycle({ logger, deadlineMs: 10_000, markNotReady: () => {} });
  const owner = { config, lifecycle, logger, metrics: new MetricRegistry(), clock: systemClock };
  const commands = new AdminCommands();
  registerRoutesCommands(commands, eventEngines({ ...owner, folder: undefined }), owner);
  return { commands, [Symbol.asyncDispose]: () => lifecycle[Symbol.asyncDispose]() };
}
