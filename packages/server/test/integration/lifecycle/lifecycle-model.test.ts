import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LifecycleModel, type ModelAnswer, type ModelEntity } from './lifecycle-model.ts';
import { LifecycleStage, type Request } from './lifecycle-stage.ts';

/** `SEED=n` repeats a run, `LONG=1` makes it longer. */
const { SEED, LONG } = process.env;
const seed = SEED === undefined ? randomInt(1_000_000) : Number(SEED);
const numRuns = LONG === '1' ? 2000 : 300;

interface World {
  readonly stage: LifecycleStage;
  readonly projectId: number;
  /** By the model's number. */
  readonly secrets: Map<number, string>;
}

interface Act {
  readonly request: Request;
  expected(model: LifecycleModel): ModelAnswer;
}

/** Does the same to model and service, and compares the answers and everything that is stored. */
class LifecycleCommand implements fc.AsyncCommand<LifecycleModel, World> {
  readonly #act: Act;

  constructor(act: Act) {
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(model: LifecycleModel, world: World): Promise<void> {
    const { stage, projectId } = world;
    stage.clock.advance(1000);
    model.now = new Date(stage.clock.now()).toISOString();
    const answer = await stage.answer(projectId, this.#act.request);
    expect(answer).toEqual(this.#act.expected(model));
    await compare(model, world);
  }

  toString(): string {
    const { operation, params, query, body } = this.#act.request;
    return `${operation} ${JSON.stringify({ ...params, ...query, ...body })}`;
  }
}

async function compare(model: LifecycleModel, world: World): Promise<void> {
  const { stage, projectId } = world;
  for (const [kind, entities] of [
    ['source', model.sources],
    ['sink', model.sinks],
  ] as const) {
    for (const state of ['active', 'deleted'] as const) {
      const records = await stage.records(`definition/${kind}/${state}/${projectId}/1/`);
      const expected = [...entities].filter(([, { deleted }]) => (deleted === undefined) === (state === 'active'));
      expect(Object.fromEntries([...records].map(([key, record]) => [key, shown(record)]))).toEqual(
        Object.fromEntries(expected.map(([key, entity]) => [key, entityShown(entity)])),
      );
      for (const [key, entity] of kind === 'source' ? expected : []) compareSecret(world, { key, entity, record: records.get(key) });
    }
    const versions = await stage.records(`definition/${kind}/version/${projectId}/1/`);
    expect(Object.fromEntries([...versions].map(([key, record]) => [key, versionShown(record)]))).toEqual(
      Object.fromEntries([...entities].flatMap(([key, entity]) => expectedVersions(key, entity))),
    );
  }
  const open = await stage.records(`open/${projectId}/1/`);
  const takesRows = [...model.sinks].filter(([, { deleted, disabled }]) => !deleted && !disabled);
  expect(open).toEqual(new Map(takesRows.map(([key, { versions }]) => [key, { version: versions.length }])));
  expect(Object.groupBy(stage.dropped, (tableId) => tableId)).toEqual(Object.groupBy(model.dropped, (tableId) => tableId));
}

type Stored = Record<string, never>;
const field = (record: Stored | undefined, ...path: string[]): unknown =>
  path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], record);

const contentShown = (record: Stored) => ({
  name: field(record, 'name'),
  count: field(record, 'settings', '0', 'value'),
  tableId: field(record, 'table', 'tableId') ?? '',
});

const versionShown = (record: Stored) => ({ ...contentShown(record), description: field(record, 'version', 'description') });

const expectedVersions = (key: string, { versions }: ModelEntity): [string, object][] =>
  versions.map(({ content: { name, count, tableId }, description }, index) => [
    `${key}/${String(index + 1).padStart(10, '0')}`,
    { name, count, tableId, description },
  ]);

const markShown = (record: Stored, name: string) => {
  const at = field(record, name, 'at');
  return at === undefined ? undefined : { by: field(record, name, 'directly') === true ? 'itself' : 'source', at };
};

const shown = (record: Stored) => ({
  ...contentShown(record),
  version: field(record, 'version', 'number'),
  createdAt: field(record, 'created', 'at'),
  disabled: markShown(record, 'disabled'),
  deleted: markShown(record, 'deleted'),
});

const entityShown = ({ content: { name, count, tableId }, versions, createdAt, disabled, deleted }: ModelEntity) => ({
  ...{ name, count, tableId },
  version: versions.length,
  ...{ createdAt, disabled, deleted },
});

interface SecretOwner {
  readonly key: string;
  readonly entity: ModelEntity;
  readonly record: Stored | undefined;
}

/** A secret is the same whenever the model says so, and never another one's. */
function compareSecret({ stage, projectId, secrets }: World, { key, entity, record }: SecretOwner): void {
  const { secret } = entity.content;
  const given = stage.secretOf(`${projectId}/1/${key}`, String(field(record, 'secret', 'sealed')));
  if (!secrets.has(secret)) expect([...secrets.values()]).not.toContain(given);
  secrets.set(secret, secrets.get(secret) ?? given);
  expect(given).toBe(secrets.get(secret));
}

const sourceId = fc.constantFrom('a', 'b');
const sinkId = fc.constantFrom('x', 'y');
const name = fc.constantFrom('one', 'two');
const tableId = fc.constantFrom('in.c-b.t', 'in.c-b.u');
const number = fc.integer({ min: 1, max: 6 });
const countKey = 'storage.level.staging.upload.trigger.count';
const count = fc.constantFrom(5, 6, undefined);
const settingsBody = (value: number | undefined) => ({ settings: [{ key: countKey, ...(value !== undefined && { value }) }] });
const tableOf = (id: string) => ({ type: 'keboola', tableId: id, mapping: { columns: [{ type: 'body', name: 'raw' }] } });

const command = <T extends object>(given: { readonly [Name in keyof T]: fc.Arbitrary<T[Name]> }, act: (values: T) => Act) =>
  fc.record(given).map((values) => new LifecycleCommand(act(values as T)));

interface OnSource {
  readonly sourceId: string;
}
interface OnSink extends OnSource {
  readonly sinkId: string;
}

const onSource = (operation: string, expected: (model: LifecycleModel, sourceId: string) => ModelAnswer) =>
  command<OnSource>({ sourceId }, (params) => ({
    request: { operation, params: { ...params } },
    expected: (model) => expected(model, params.sourceId),
  }));
const onSink = (operation: string, expected: (model: LifecycleModel, params: OnSink) => ModelAnswer) =>
  command<OnSink>({ sourceId, sinkId }, (params) => ({
    request: { operation, params: { ...params } },
    expected: (model) => expected(model, params),
  }));

const createSource = (id: string, given: string): Act => ({
  request: { operation: 'CreateSource', params: {}, body: { sourceId: id, type: 'http', name: given } },
  expected: (model) => model.createSource(id, given),
});
const createSink = (params: OnSink, given: { readonly name: string; readonly tableId: string }): Act => ({
  request: {
    operation: 'CreateSink',
    params: { sourceId: params.sourceId },
    body: { sinkId: params.sinkId, type: 'table', name: given.name, table: tableOf(given.tableId) },
  },
  expected: (model) => model.createSink(params.sourceId, params.sinkId, given),
});

const commands = [
  command<OnSource & { name: string }>({ sourceId, name }, (given) => createSource(given.sourceId, given.name)),
  command<OnSink & { name: string; tableId: string }>({ sourceId, sinkId, name, tableId }, (given) => createSink(given, given)),
  command<OnSource & { name: string }>({ sourceId, name }, (given) => ({
    request: { operation: 'UpdateSource', params: { sourceId: given.sourceId }, body: { name: given.name } },
    expected: (model) => model.changeSource(given.sourceId, { name: given.name }),
  })),
  command<OnSink & { name: string; tableId: string }>({ sourceId, sinkId, name, tableId }, (given) => ({
    request: {
      operation: 'UpdateSink',
      params: { sourceId: given.sourceId, sinkId: given.sinkId },
      body: { name: given.name, table: { tableId: given.tableId } },
    },
    expected: (model) => model.changeSink(given.sourceId, given.sinkId, { name: given.name, tableId: given.tableId }),
  })),
  command<OnSource & { count: number | undefined }>({ sourceId, count }, (given) => ({
    request: { operation: 'UpdateSourceSettings', params: { sourceId: given.sourceId }, body: settingsBody(given.count) },
    expected: (model) => model.changeSource(given.sourceId, { count: given.count }),
  })),
  command<OnSink & { count: number | undefined }>({ sourceId, sinkId, count }, (given) => ({
    request: {
      operation: 'UpdateSinkSettings',
      params: { sourceId: given.sourceId, sinkId: given.sinkId },
      body: settingsBody(given.count),
    },
    expected: (model) => model.changeSink(given.sourceId, given.sinkId, { count: given.count }),
  })),
  onSource('RotateSourceSecret', (model, id) => model.rotate(id)),
  onSource('DisableSource', (model, id) => model.disableSource(id)),
  onSource('EnableSource', (model, id) => model.enableSource(id)),
  onSource('DeleteSource', (model, id) => model.deleteSource(id)),
  onSource('UndeleteSource', (model, id) => model.undeleteSource(id)),
  command<OnSource>({ sourceId }, (params) => ({
    request: { operation: 'DeleteSource', params: { ...params }, query: { cascade: 'true' } },
    expected: (model) => model.cascadeDelete(params.sourceId),
  })),
  onSink('DisableSink', (model, params) => model.disableSink(params.sourceId, params.sinkId)),
  onSink('EnableSink', (model, params) => model.enableSink(params.sourceId, params.sinkId)),
  onSink('DeleteSink', (model, params) => model.deleteSink(params.sourceId, params.sinkId)),
  onSink('UndeleteSink', (model, params) => model.undeleteSink(params.sourceId, params.sinkId)),
  command<OnSource & { number: number }>({ sourceId, number }, (given) => ({
    request: { operation: 'RollbackSourceVersion', params: { sourceId: given.sourceId, versionNumber: String(given.number) } },
    expected: (model) => model.rollbackSource(given.sourceId, given.number),
  })),
  command<OnSink & { number: number }>({ sourceId, sinkId, number }, (given) => ({
    request: {
      operation: 'RollbackSinkVersion',
      params: { sourceId: given.sourceId, sinkId: given.sinkId, versionNumber: String(given.number) },
    },
    expected: (model) => model.rollbackSink(given.sourceId, given.sinkId, given.number),
  })),
];

let stage: LifecycleStage;
beforeAll(async () => {
  stage = await LifecycleStage.open();
});
afterAll(() => stage[Symbol.asyncDispose]());

test('sources and sinks live as the model says, whatever is done to them', { timeout: LONG === '1' ? 3_600_000 : 180_000 }, async () => {
  let projectId = 0;
  const property = fc.asyncProperty(fc.commands(commands, { maxCommands: 25, size: 'max' }), async (sequence) => {
    projectId += 1;
    stage.dropped.length = 0;
    const model = new LifecycleModel();
    const world = { stage, projectId, secrets: new Map<number, string>() };
    const tree = [createSource('a', 'one'), createSink({ sourceId: 'a', sinkId: 'x' }, { name: 'one', tableId: 'in.c-b.t' })];
    for (const act of tree) await new LifecycleCommand(act).run(model, world);
    await fc.asyncModelRun(() => ({ model, real: world }), sequence);
  });
  process.stdout.write(`lifecycle runs=${numRuns} seed=${seed}\n`);
  await fc.assert(property, { seed, numRuns });
});
