import fc from 'fast-check';
import { expect, test } from 'vitest';
import { activeBranchKey } from '../../src/features/definitions/definition-codec.ts';
import { DefinitionRestorer } from '../../src/features/definitions/definition-restorer.ts';
import { DefinitionStore } from '../../src/features/definitions/definition-store.ts';
import { DefinitionWriter } from '../../src/features/definitions/definition-writer.ts';
import { nextVersion } from '../../src/features/definitions/entity-change.ts';
import { newSink, newSource } from '../../src/features/definitions/new-definition.ts';
import type { Sink } from '../../src/features/definitions/sink.ts';
import { SourceCascade } from '../../src/features/definitions/source-cascade.ts';
import { SourceErasure } from '../../src/features/definitions/source-erasure.ts';
import { Rotation } from '../../src/features/storage/coordinator/rotation.ts';
import { fileKeyText, sliceKeyText, storagePrefix } from '../../src/features/storage/state/storage-keys.ts';
import { decodeFile, decodeSlice, StorageStore } from '../../src/features/storage/state/storage-store.ts';
import { Storage } from '../../src/features/storage/storage.ts';
import { isAppError } from '../../src/kernel/errors/app-error.ts';
import { noCheckpoint } from '../../src/kernel/observe/checkpoint.ts';
import { MemoryMetadataStore } from '../support/memory-metadata-store.ts';
import { MemoryTableEngine } from '../support/memory-table-engine.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { TestClock } from '../support/test-clock.ts';

const branch = { projectId: 1, branchId: 1 };
const sourceKey = { ...branch, sourceId: 's' };
const volume = { id: 'volume', type: 'default', label: 'v', path: '/nowhere' };
const never = 1e9;
const settings = {
  file: {
    maxRowBytes: 1000,
    upload: { minIntervalMs: 0, intervalMs: never, count: never, bytes: never },
    import: { minIntervalMs: 0, intervalMs: never, count: never, bytes: never, slices: never, maxSlices: never },
  },
  compression: { codec: 'gzip' as const, levels: { gzip: 1, zstd: 1 } },
  dataRetentionMs: never,
  recordRetentionMs: never,
  unknownGraceMs: never,
  statisticsIntervalMs: never,
  reencode: false,
};

const sinkActs = ['create', 'update', 'map', 'rollback', 'disable', 'enable', 'delete', 'undelete', 'rotateFile', 'rotateSlice'] as const;
const sourceActs = ['createSource', 'disableSource', 'enableSource', 'deleteSource', 'undeleteSource', 'eraseSource'] as const;
const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constantFrom(...sinkActs), sinkId: fc.constantFrom('a', 'b') }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom(...sourceActs), sinkId: fc.constant('') }) },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
/** Acts of a step run at the same time; before it the clock moves, also back. */
const steps = fc.array(fc.record({ acts: fc.array(act, { minLength: 1, maxLength: 4 }), clockMs: fc.integer({ min: -50, max: 50 }) }), {
  minLength: 5,
  maxLength: 20,
});

/** Definitions and storage on one metadata store, as the API and the coordinator work on it. */
class Stage implements AsyncDisposable {
  readonly metadata = new MemoryMetadataStore();
  readonly clock = new TestClock();
  readonly #storage = new Storage({
    metadata: this.metadata,
    objects: {} as never,
    tables: new MemoryTableEngine({} as never),
    volumes: [volume],
    settings,
    clock: this.clock,
    random: () => 0.5,
    checkpoint: noCheckpoint,
    logger: silentLogger,
  });
  readonly #rotation = new Rotation({
    store: new StorageStore(this.metadata, this.clock),
    settings: settings.file,
    codec: settings.compression.codec,
    assignVolume: () => volume.id,
    knownFiles: () => [],
  });
  readonly #deps = { store: this.metadata, hooks: { ...this.#storage.definitionHooks, dropTargets: async () => {} } };
  readonly #writer = new DefinitionWriter(this.#deps);
  readonly #cascade = new SourceCascade(this.#deps);
  readonly #restorer = new DefinitionRestorer(this.#deps);
  readonly #erasure = new SourceErasure(this.#deps);
  readonly #definitions = new DefinitionStore(this.metadata);
  readonly #stop = new AbortController();
  readonly #view = this.#storage.view.run(this.#stop.signal);
  #columns = 1;

  async open(): Promise<void> {
    await this.#storage.view.ready;
    await this.metadata.transact({ checks: [], writes: [{ type: 'put', key: activeBranchKey(branch), value: '{}' }] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#view;
    await this.#storage[Symbol.asyncDispose]();
    await this.metadata[Symbol.asyncDispose]();
  }

  /** What the state does not allow is refused, and changes nothing. */
  async do(given: Act): Promise<void> {
    try {
      await this.#do(given);
    } catch (error) {
      if (!isAppError(error) || error.disposition !== 'caller') throw error;
    }
  }

  async #do({ act, sinkId }: Act): Promise<unknown> {
    const stamp = { at: '2026-06-24T10:00:00.000Z', by: { type: 'system' as const } };
    const key = { ...sourceKey, sinkId };
    switch (act) {
      case 'create': {
        const table = { type: 'keboola' as const, tableId: 'in.b.t', mapping: { columns: [{ type: 'body' as const, name: 'c' }] } };
        const content = { ...key, type: 'table' as const, name: 'n', description: '', table };
        return this.#writer.createSink(key, (deleted) => newSink(content, { stamp, deleted }));
      }
      case 'update':
        return this.#writer.updateSink(key, (sink) => nextVersion({ ...sink, name: 'm' }, { description: '', ...stamp }));
      case 'map': {
        const columns = Array.from({ length: ++this.#columns }, (_, index) => ({ type: 'uuid' as const, name: `c${index}` }));
        const change = (sink: Sink) => ({ ...sink, table: { ...sink.table, mapping: { columns } } });
        return this.#writer.updateSink(key, (sink) => nextVersion(change(sink), { description: '', ...stamp }));
      }
      case 'rollback':
        return this.#restorer.rollbackSink(key, 1, stamp);
      case 'undelete':
        return this.#restorer.undeleteSink(key, stamp);
      case 'disable':
        return this.#writer.disableSink(key, stamp);
      case 'enable':
        return this.#writer.enableSink(key, stamp);
      case 'delete':
        return this.#writer.deleteSink(key, stamp);
      case 'createSource': {
        const content = { ...sourceKey, type: 'http' as const, name: 'n', description: '' };
        return this.#writer.createSource(sourceKey, (deleted) =>
          newSource(content, { secret: { hash: 'h', sealed: 's' }, stamp, deleted }),
        );
      }
      case 'disableSource':
        return this.#cascade.disable(sourceKey, stamp);
      case 'enableSource':
        return this.#cascade.enable(sourceKey, stamp);
      case 'deleteSource':
        return this.#cascade.delete(sourceKey, stamp);
      case 'undeleteSource':
        return this.#cascade.undelete(sourceKey, stamp);
      case 'eraseSource':
        return this.#erasure.run(sourceKey, { stamp, signal: this.#stop.signal, untilApplied: async () => {} });
      case 'rotateFile':
        for (const { file } of await this.#open(sinkId)) await this.#rotation.rotateFile(fileKeyText(file));
        return undefined;
      case 'rotateSlice':
        for (const { slices } of await this.#open(sinkId))
          for (const slice of slices) await this.#rotation.rotateSlice(sliceKeyText(slice));
        return undefined;
    }
  }

  /** The sink's writing files with their writing slices. */
  async #open(sinkId: string) {
    const { files, slices } = await this.#state();
    return files
      .filter((file) => file.state === 'writing' && file.sink.sinkId === sinkId)
      .map((file) => ({ file, slices: slices.filter((slice) => slice.state === 'writing' && slice.file === fileKeyText(file)) }));
  }

  async #state() {
    const [files, slices] = await Promise.all(
      [storagePrefix.file, storagePrefix.slice].map((prefix) => this.metadata.range({ prefix, limit: 1000 })),
    );
    return {
      files: files!.entries.map(({ key, value }) => decodeFile(key, value)),
      slices: slices!.entries.map(({ key, value }) => decodeSlice(key, value)),
      created: [...files!.entries, ...slices!.entries],
    };
  }

  async check(): Promise<void> {
    const { slices, created } = await this.#state();
    for (const sinkId of ['a', 'b']) {
      const sink = await this.#definitions.sink({ ...sourceKey, sinkId });
      const takesRows = sink !== undefined && sink.disabled === undefined;
      const open = await this.#open(sinkId);
      expect(open.map((each) => [each.file.sinkVersion, each.file.columns])).toEqual(
        takesRows ? [[sink.version.number, sink.table.mapping.columns.map(({ name }) => name)]] : [],
      );
      const writing = slices.filter((slice) => slice.state === 'writing' && slice.sink.sinkId === sinkId);
      expect(writing.map((slice) => [slice.sinkVersion, slice.file])).toEqual(
        open.map(({ file }) => [file.sinkVersion, fileKeyText(file)]),
      );
      // In the order of their creation, times only grow.
      for (const prefix of [storagePrefix.file, storagePrefix.slice]) {
        const ofSink = created.filter(({ key }) => key.startsWith(`${prefix}1/1/s/${sinkId}/`));
        const byRevision = ofSink.toSorted((one, other) => one.createRevision - other.createRevision);
        expect(byRevision.map(({ key }) => key)).toEqual(ofSink.map(({ key }) => key));
      }
    }
  }
}

test('a sink has one open file of its version exactly while it takes rows, whatever happens at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      await using stage = new Stage();
      await stage.open();
      await stage.do({ act: 'createSource', sinkId: '' });
      await stage.do({ act: 'create', sinkId: 'a' });
      for (const { acts, clockMs } of sequence) {
        stage.clock.advance(clockMs);
        await Promise.all(acts.map((each) => stage.do(each)));
        await stage.check();
      }
    }),
    { numRuns: 40 },
  );
});
