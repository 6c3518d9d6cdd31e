import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { sinkVersionPrefix, sourceVersionPrefix } from './definition-codec.ts';
import { type BranchKey, branchKeyText, definitionPrefix, type SinkKey, type SourceKey, sourceKeyText } from './keys.ts';

const maxSources = 100;
const maxSinks = 100;
const maxVersions = 1000;

/** Of active sources; deleted ones do not count. `sourceCountLimitReached`. */
export async function assertRoomForSource(store: MetadataStore, branch: BranchKey): Promise<void> {
  if ((await store.count(`${definitionPrefix.activeSource}${branchKeyText(branch)}/`)) < maxSources) return;
  throw new AppError('sourceCountLimitReached', `Source count limit reached in the branch, the maximum is ${maxSources}.`);
}

/** As of sources, for so many more sinks. `sinkCountLimitReached`. */
export async function assertRoomForSinks(store: MetadataStore, source: SourceKey, more: number): Promise<void> {
  if ((await store.count(`${definitionPrefix.activeSink}${sourceKeyText(source)}/`)) + more <= maxSinks) return;
  throw new AppError('sinkCountLimitReached', `Sink count limit reached in the source, the maximum is ${maxSinks}.`);
}

/** Holds for what changes content; what only switches or restores an entity is always possible. `versionCountLimitReached`. */
export async function assertRoomForSourceVersion(store: MetadataStore, source: SourceKey): Promise<void> {
  await assertRoomForVersion(store, sourceVersionPrefix(source), 'source');
}

/** As `assertRoomForSourceVersion`. */
export async function assertRoomForSinkVersion(store: MetadataStore, sink: SinkKey): Promise<void> {
  await assertRoomForVersion(store, sinkVersionPrefix(sink), 'sink');
}

async function assertRoomForVersion(store: MetadataStore, prefix: string, kind: 'source' | 'sink'): Promise<void> {
  if ((await store.count(prefix)) < maxVersions) return;
  throw new AppError('versionCountLimitReached', `Version count limit reached in the ${kind}, the maximum is ${maxVersions}.`);
}
