import { describe, expect, test } from 'vitest';
import { presetRoutes } from './routes.ts';
import {
  applyRoutesEntry,
  emptyHistory,
  type ProposalState,
  type RoutesEntry,
  type RoutesHistory,
  type RoutesProposal,
  versionAt,
} from './routes-history.ts';

const proposed = (id: string, version: number, since: number[], topicId = 'T'): RoutesProposal => ({
  type: 'proposed',
  id,
  topicId,
  version,
  since,
  set: presetRoutes(version),
});
const confirmed = (id: string): RoutesEntry => ({ type: 'confirmed', id });
const voided = (id: string): RoutesEntry => ({ type: 'voided', id });
const read = (...entries: RoutesEntry[]): RoutesHistory => entries.reduce(applyRoutesEntry, emptyHistory('T'));

const first = [proposed('one', 1, [0, 0]), confirmed('one')];
const second = proposed('x', 2, [10, 20]);
const rival = proposed('y', 2, [10, 20]);

/** The proposal x in each of its states. */
const histories: Readonly<Record<ProposalState | 'unknown', readonly RoutesEntry[]>> = {
  unknown: first,
  pending: [...first, second],
  confirmed: [...first, second, confirmed('x')],
  voided: [...first, second, voided('x')],
  overtaken: [...first, second, rival, confirmed('y')],
  refused: [...first, proposed('z', 2, [10, 20]), confirmed('z'), second],
};
type EntryName = 'proposed' | 'proposed, not next' | 'proposed for another topic' | 'confirmed' | 'voided' | 'rival confirmed';
const entries: Readonly<Record<EntryName, readonly RoutesEntry[]>> = {
  proposed: [second],
  'proposed, not next': [proposed('x', 9, [10, 20])],
  'proposed for another topic': [proposed('x', 2, [10, 20], 'U')],
  confirmed: [confirmed('x')],
  voided: [voided('x')],
  'rival confirmed': [rival, confirmed('y')],
};
type State = ProposalState | undefined;
const stays = (state: State): Readonly<Record<EntryName, State>> => ({
  proposed: state,
  'proposed, not next': state,
  'proposed for another topic': state,
  confirmed: state,
  voided: state,
  'rival confirmed': state,
});
const table: Readonly<Record<ProposalState | 'unknown', Readonly<Record<EntryName, State>>>> = {
  unknown: { ...stays(undefined), proposed: 'pending', 'proposed, not next': 'refused' },
  pending: { ...stays('pending'), confirmed: 'confirmed', voided: 'voided', 'rival confirmed': 'overtaken' },
  confirmed: stays('confirmed'),
  voided: stays('voided'),
  overtaken: stays('overtaken'),
  refused: stays('refused'),
};

describe.each(Object.entries(table))('a proposal that is %s', (state, row) => {
  test.each(Object.entries(row))('and %s', (name, expected) => {
    const before = histories[state as ProposalState | 'unknown'];
    expect(read(...before).states.get('x') ?? 'unknown').toBe(state);
    const after = read(...before, ...entries[name as EntryName]);
    expect(after.states.get('x')).toBe(expected);
    expect(after.pending.some(({ id }) => id === 'x')).toBe(expected === 'pending');
    expect(after.versions.some(({ id }) => id === 'x')).toBe(expected === 'confirmed');
    expect(after.versions.map(({ version }) => version)).toEqual(after.versions.map((_, index) => index + 1));
  });
});

test.each([
  [[proposed('a', 1, [0, 1])], 'refused'],
  [[proposed('a', 2, [0, 0])], 'refused'],
  [[...first, proposed('a', 2, [5, 5]), confirmed('a'), proposed('a3', 3, [5, 4])], 'refused'],
  [[...first, proposed('a', 2, [5, 5]), confirmed('a'), proposed('a3', 3, [5])], 'refused'],
  [[...first, proposed('a', 2, [5, 5]), confirmed('a'), proposed('a3', 3, [5, 5, 0])], 'pending'],
] as const)('a version begins at 0 at first, and never before the last one: %#', (given, state) => {
  const { states } = read(...given);
  expect([...states.values()].at(-1)).toBe(state);
});

test('entries of other topics and unknown proposals change nothing', () => {
  const history = read(...first);
  for (const entry of [proposed('u', 2, [0, 0], 'U'), confirmed('u'), voided('nobody')])
    expect(applyRoutesEntry(history, entry)).toBe(history);
});

describe('a record', () => {
  const at = (history: RoutesHistory, partition: number, offset: number) => {
    const found = versionAt(history, { partition, offset });
    return found.type === 'version' ? found.version.version : found.type;
  };

  test('is judged by the version of its own offset', () => {
    const history = read(...first, second, confirmed('x'), proposed('w', 3, [10, 30]), confirmed('w'));
    expect([0, 9, 10, 11].map((offset) => at(history, 0, offset))).toEqual([1, 1, 3, 3]);
    expect([0, 19, 20, 29, 30].map((offset) => at(history, 1, offset))).toEqual([1, 1, 2, 2, 3]);
    expect(at(history, 7, 0)).toBe(3);
  });

  test('waits where a version may come to hold', () => {
    const history = read(...first, second);
    expect([0, 9, 10].map((offset) => at(history, 0, offset))).toEqual([1, 1, 'pending']);
    expect([19, 20].map((offset) => at(history, 1, offset))).toEqual([1, 'pending']);
    expect(at(read(...first, second, voided('x')), 0, 10)).toBe(1);
  });

  test('is not judged before there is a version', () => {
    expect(at(read(), 0, 0)).toBe('none');
    expect(at(read(proposed('a', 1, [0])), 0, 0)).toBe('pending');
  });
});
