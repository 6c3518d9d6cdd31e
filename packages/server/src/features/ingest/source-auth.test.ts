import { expect, test } from 'vitest';
import { countingIds } from '../../../test/support/counting-ids.ts';
import { disabledFixture, sourceFixture } from '../../../test/support/definition-fixture.ts';
import { SecretVault } from '../accounts/secret-vault.ts';
import type { IngestSource } from '../definitions/ingest-source.ts';
import { SourceAuth } from './source-auth.ts';

const vault = new SecretVault({ key: Buffer.alloc(32, 7), randomId: countingIds() });
const secret = 's'.repeat(48);

function view({ branchId = 1, given = secret, disabled = false } = {}): IngestSource {
  const source = sourceFixture({ branchId, secret: vault.store(given, 'owner'), ...(disabled && { disabled: disabledFixture }) });
  return { source, sinks: [] };
}

/** Sources that this node knows, and those that only the store has. */
function authOf({ known = [], inStore = [] }: { known?: readonly IngestSource[]; inStore?: readonly IngestSource[] }) {
  const lookups: string[] = [];
  const lookup = async (projectId: number, sourceId: string) => {
    lookups.push(`${projectId}/${sourceId}`);
    return inStore;
  };
  return { auth: new SourceAuth({ sources: () => known, lookup }, vault), lookups };
}

test('every enabled branch with the secret takes the record', async () => {
  const known = [
    view({ branchId: 1 }),
    view({ branchId: 2, given: 'o'.repeat(48) }),
    view({ branchId: 3 }),
    view({ branchId: 4, disabled: true }),
  ];
  const { auth, lookups } = authOf({ known });
  expect(await auth.match(1, 'events', secret)).toEqual({ type: 'matched', sources: [known[0], known[2]] });
  expect(lookups).toEqual([]);
});

test.each([
  ['', 'notFound'],
  ['s'.repeat(47), 'notFound'],
  ['s'.repeat(49), 'notFound'],
  ['S'.repeat(48), 'notFound'],
  [secret, 'matched'],
])('the secret "%s": %s', async (given, type) => {
  expect(await authOf({ known: [view()] }).auth.match(1, 'events', given)).toMatchObject({ type });
});

test('disabled everywhere is only told to who knows the secret', async () => {
  const { auth } = authOf({ known: [view({ disabled: true }), view({ branchId: 2, given: 'o'.repeat(48) })] });
  expect(await auth.match(1, 'events', secret)).toEqual({ type: 'disabled' });
  expect(await auth.match(1, 'events', 'x'.repeat(48))).toEqual({ type: 'notFound', exists: true });
});

test('a source that this node does not know yet is read through once', async () => {
  const inStore = [view()];
  const { auth, lookups } = authOf({ inStore });
  expect(await auth.match(1, 'events', secret)).toEqual({ type: 'matched', sources: inStore });
  expect(lookups).toEqual(['1/events']);
  expect(await authOf({}).auth.match(1, 'events', secret)).toEqual({ type: 'notFound', exists: false });
});
