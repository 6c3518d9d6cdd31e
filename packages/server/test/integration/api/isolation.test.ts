import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';
import { orders, sinkBody, sources, web } from '../../support/lifecycle-tree.ts';

interface Tenant {
  readonly projectId: number;
  readonly branchId: number;
}
const tenants: readonly Tenant[] = [
  { projectId: 1, branchId: 1 },
  { projectId: 2, branchId: 1 },
  { projectId: 1, branchId: 2 },
];

let api: ApiHarness;
/** Project and branch of the tables that were to be dropped. */
let dropped: string[];
const tokens = new Map<Tenant, string>();
/** Everything that follows is done by this tenant. */
const actAs = (tenant: Tenant) => {
  api.token = tokens.get(tenant) ?? '';
};

beforeEach(async () => {
  api = await ApiHarness.open();
  dropped = [];
  api.hooks.dropTargets = async (sinks) => void dropped.push(...sinks.map(({ projectId, branchId }) => `${projectId}/${branchId}`));
  for (const tenant of tenants) {
    tokens.set(tenant, (await api.tokens.create({ role: 'super', ...tenant })).token);
    actAs(tenant);
    // The same ids and tables everywhere, deleted ones too.
    for (const name of ['web', 'gone']) await api.create(sources, { type: 'http', name });
    for (const name of ['orders', 'gone']) await api.create(`${web}/sinks`, sinkBody(name));
    await api.change('PATCH', web, { description: `of ${tenant.projectId}/${tenant.branchId}` });
    await api.change('DELETE', `${sources}/gone`);
    await api.change('DELETE', `${web}/sinks/gone`);
  }
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const pages = [
  ...[sources, `${sources}/deleted`, web, `${web}/versions`, `${web}/versions/2`, `${web}/settings`],
  ...[`${web}/sinks`, `${web}/sinks/deleted`, orders, `${orders}/versions`, `${orders}/settings`],
];

/** All that the tenant sees. */
async function sight(tenant: Tenant): Promise<string[]> {
  actAs(tenant);
  const answers = [];
  for (const page of pages) answers.push(await api.get(page));
  return answers.map(({ text }) => text);
}

const settings = { settings: [{ key: 'storage.level.staging.upload.trigger.count', value: 5 }] };
const acts: readonly [string, () => Promise<unknown>][] = [
  ['update', () => api.change('PATCH', web, { name: 'Other' })],
  ['settings', () => api.change('PATCH', `${orders}/settings`, settings)],
  ['disable', () => api.change('PUT', `${web}/disable`)],
  ['rollback', () => api.change('PUT', `${web}/versions/1/rollback`)],
  ['rotate', () => api.call('POST', `${web}/rotate-secret`)],
  ['create a sink', () => api.create(`${web}/sinks`, sinkBody('new'))],
  ['create what is deleted', () => api.create(sources, { type: 'http', name: 'gone' })],
  ['undelete a source', () => api.change('PUT', `${sources}/gone/undelete`)],
  ['undelete a sink', () => api.change('PUT', `${web}/sinks/gone/undelete`)],
  ['delete', () => api.change('DELETE', web)],
  ['erase', () => api.change('DELETE', `${web}?cascade=true`)],
];

describe('projects and branches with the same ids', () => {
  it.each(tenants)('see only what is theirs: project $projectId, branch $branchId', async (tenant) => {
    const texts = await sight(tenant);
    expect(texts.filter((text) => text.includes('"statusCode"'))).toEqual([]);
    const { projectId, branchId } = tenant;
    const owners = texts.flatMap((text) => [...text.matchAll(/"projectId":(\d+),"branchId":(\d+)/g)].map(([, ...ids]) => ids.join('/')));
    expect(new Set(owners)).toEqual(new Set([`${projectId}/${branchId}`]));
    expect(texts.slice(0, 2).map((text) => JSON.parse(text).page.totalCount)).toEqual([1, 1]);
    expect(texts[2]).toContain(`"description":"of ${projectId}/${branchId}"`);
  });

  it.each(acts)('change nothing of each other: %s', async (_name, act) => {
    for (const actor of tenants) {
      const others = tenants.filter((tenant) => tenant !== actor);
      const before = [];
      for (const other of others) before.push(await sight(other));
      actAs(actor);
      await act();
      const after = [];
      for (const other of others) after.push(await sight(other));
      expect(after).toEqual(before);
    }
  });

  it('erase a source with its own tables, whoever else writes to tables of the same id', async () => {
    for (const tenant of tenants) {
      actAs(tenant);
      await api.change('DELETE', `${web}?cascade=true`);
      const owner = `${tenant.projectId}/${tenant.branchId}`;
      expect(dropped.splice(0)).toEqual([owner, owner]);
    }
  });

  it('address no branch but their own', async () => {
    for (const actor of tenants) {
      actAs(actor);
      expect((await api.get(`/v1/branches/${actor.branchId}/sources/web`)).status).toBe(200);
      const foreign = await api.get(`/v1/branches/${3 - actor.branchId}/sources/web`);
      expect(foreign.body).toMatchObject({ statusCode: 400, error: 'stream.api.badRequest' });
    }
  });

  it('count what is theirs', async () => {
    const [first, ...others] = tenants;
    const copies = (kind: string, key: string, { projectId, branchId }: Tenant) =>
      Array.from(
        { length: 99 },
        (_, index) => ({ type: 'put', key: `definition/${kind}/active/${projectId}/${branchId}/${key}x${index}`, value: '{}' }) as const,
      );
    actAs(first!);
    for (const [kind, key] of [
      ['source', ''],
      ['sink', 'web/'],
    ] as const)
      await api.store.transact({ checks: [], writes: copies(kind, key, first!) });
    const more = async () => [
      (await api.change('POST', sources, { type: 'http', name: 'more' })).body['status'],
      (await api.change('POST', `${web}/sinks`, sinkBody('more'))).body['status'],
    ];
    expect(await more()).toEqual(['error', 'error']);
    for (const other of others) {
      actAs(other);
      expect(await more()).toEqual(['success', 'success']);
    }
  });

  it('hold their sources, and wait for nobody else', async () => {
    const { transact } = api.store;
    const held = Promise.withResolvers<void>();
    api.store.transact = async (transaction) => {
      if (transaction.writes.some(({ key }) => key === 'definition/source/active/1/1/web')) await held.promise;
      return transact.call(api.store, transaction);
    };
    actAs(tenants[0]!);
    const task = await api.call('PUT', `${web}/disable`);
    for (const other of tenants.slice(1)) {
      actAs(other);
      expect((await api.change('PUT', `${web}/disable`)).body['status']).toBe('success');
    }
    held.resolve();
    actAs(tenants[0]!);
    expect((await api.finished(task)).body['status']).toBe('success');
  });
});
