import { join } from 'node:path';
import type { MetadataStore } from '../engines/metadata/metadata-store.ts';
import { openMetadataStore } from '../engines/metadata/registry.ts';
import type { ObjectStore } from '../engines/objects/object-store.ts';
import { openObjectStore } from '../engines/objects/registry.ts';
import { openTableEngine } from '../engines/tables/registry.ts';
import type { TableEngine } from '../engines/tables/table-engine.ts';
import { LocalTokens } from '../features/accounts/local-tokens.ts';
import { openVolumes } from '../features/storage/open-volumes.ts';
import type { SliceWriter } from '../features/storage/slice-writer.ts';
import { Storage } from '../features/storage/storage.ts';
import { randomId } from '../kernel/codec/random-id.ts';
import type { DataFolder } from '../kernel/folder/data-folder.ts';
import type { Lifecycle } from '../kernel/lifecycle/lifecycle.ts';
import { startPart } from '../kernel/lifecycle/started-part.ts';
import type { Checkpoint } from '../kernel/observe/checkpoint.ts';
import type { Logger } from '../kernel/observe/logger.ts';
import type { MetricRegistry, Metrics } from '../kernel/observe/metrics.ts';
import type { Readiness } from '../kernel/observe/readiness.ts';
import { type Clock, systemClock } from '../kernel/time/clock.ts';
import { tlsMetricTable } from '../kernel/tls/tls-metrics.ts';
import type { Config } from './config.ts';
import { storageSettings } from './storage-settings.ts';

/** What every component has of its process. */
export interface NodeProcess {
  readonly config: Config;
  /** Absent where the process uses the engines of another one, which holds the folder. */
  readonly folder: DataFolder | undefined;
  readonly lifecycle: Lifecycle;
  readonly readiness: Readiness;
  readonly metrics: MetricRegistry;
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly tlsMetrics: Metrics<typeof tlsMetricTable>;
}

export interface FolderHolder extends NodeProcess {
  readonly folder: DataFolder;
}

/** What the components of the ingest lane in one process share: the engines of its data folder, and storage's view. */
export interface Node extends FolderHolder {
  readonly metadata: MetadataStore;
  readonly objects: ObjectStore;
  readonly tables: TableEngine;
  readonly tokens: LocalTokens;
  readonly storage: Storage;
  /** Of this process, once `storage-writer` has started. */
  writer: SliceWriter | undefined;
}

/** Below the data folder. */
export const volumesFolder = (dataFolder: string): string => join(dataFolder, 'volumes');

/** `metrics` must not have the metrics of TLS yet. */
export const nodeProcess = (given: Omit<NodeProcess, 'clock' | 'tlsMetrics'>): NodeProcess => ({
  ...given,
  clock: systemClock,
  tlsMetrics: given.metrics.declare(tlsMetricTable),
});

export async function openNode(shared: FolderHolder): Promise<Node> {
  const { config, folder, lifecycle, checkpoint, logger, clock } = shared;
  const metadata = lifecycle.use(
    'metadata',
    await openMetadataStore({ kind: 'sqlite', file: join(folder.path, 'metadata.db') }, { checkpoint }),
  );
  const objects = lifecycle.use('objects', await openObjectStore({ kind: 'local', folder: join(folder.path, 'staging') }));
  const tables = lifecycle.use(
    'tables',
    await openTableEngine({ kind: 'duckdb', folder: join(folder.path, 'tables') }, { objects, checkpoint }),
  );
  const volumes = await openVolumes(volumesFolder(folder.path));
  const settings = storageSettings(config);
  const storage = new Storage({ metadata, objects, tables, volumes, settings, clock, random: Math.random, checkpoint, logger });
  lifecycle.use('storage', storage);
  lifecycle.add(startPart('storage-view', (signal) => storage.view.run(signal)));
  await storage.view.ready;
  return {
    ...shared,
    metadata,
    objects,
    tables,
    storage,
    tokens: new LocalTokens({ store: metadata, clock, randomId }),
    writer: undefined,
  };
}
