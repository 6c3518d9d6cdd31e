import { routeSetSchema } from '@sluice/contract/event-routes';
import { z } from 'zod';

/** First offset of each partition, by its index; a partition without one counts from 0. */
const firstOffsets = z.array(z.int().min(0));

const routesProposalSchema = z.object({
  type: z.literal('proposed'),
  /** Of this proposal; no two have the same. */
  id: z.string().min(1),
  /** The topic's id: a topic that is made anew has a history of its own. */
  topicId: z.string().min(1),
  version: z.int().min(1),
  since: firstOffsets,
  set: routeSetSchema,
});
/** A version of the routes that somebody wants to hold from certain offsets on. */
export type RoutesProposal = z.infer<typeof routesProposalSchema>;

export const routesEntrySchema = z.discriminatedUnion('type', [
  routesProposalSchema,
  z.object({ type: z.literal('confirmed'), id: z.string() }),
  z.object({ type: z.literal('voided'), id: z.string() }),
]);
/** One record of the log of routes. */
export type RoutesEntry = z.infer<typeof routesEntrySchema>;

/** `refused`: it does not follow the version that held when it was written. `overtaken`: another one became its version. */
export type ProposalState = 'pending' | 'confirmed' | 'voided' | 'overtaken' | 'refused';

/** What the entries so far say, for one topic. */
export interface RoutesHistory {
  readonly topicId: string;
  /** Confirmed, 1, 2, 3, …; none of their first offsets goes back. */
  readonly versions: readonly RoutesProposal[];
  readonly pending: readonly RoutesProposal[];
  /** Of every proposal. */
  readonly states: ReadonlyMap<string, ProposalState>;
}

export const emptyHistory = (topicId: string): RoutesHistory => ({ topicId, versions: [], pending: [], states: new Map() });

/**
 * One entry more. A proposal goes
 *
 *     unknown --proposed--> pending --confirmed--> confirmed
 *                |             |--voided--> voided
 *                |             '--another is confirmed--> overtaken
 *                '--does not follow the last version--> refused
 *
 * and stays in every state but `pending`: the first verdict wins, and whoever reads the same entries knows the same versions.
 */
export function applyRoutesEntry(history: RoutesHistory, entry: RoutesEntry): RoutesHistory {
  if (entry.type === 'proposed') {
    if (history.states.has(entry.id) || entry.topicId !== history.topicId) return history;
    const follows = isNext(history, entry);
    return {
      ...history,
      pending: follows ? [...history.pending, entry] : history.pending,
      states: new Map(history.states).set(entry.id, follows ? 'pending' : 'refused'),
    };
  }
  const proposal = history.pending.find(({ id }) => id === entry.id);
  if (proposal === undefined) return history;
  if (entry.type === 'voided') {
    const pending = history.pending.filter((other) => other !== proposal);
    return { ...history, pending, states: new Map(history.states).set(entry.id, 'voided') };
  }
  const states = new Map(history.states);
  for (const { id } of history.pending) states.set(id, id === entry.id ? 'confirmed' : 'overtaken');
  return { ...history, versions: [...history.versions, proposal], pending: [], states };
}

function isNext({ versions }: RoutesHistory, { version, since }: RoutesProposal): boolean {
  const last = versions.at(-1);
  if (last === undefined) return version === 1 && since.every((offset) => offset === 0);
  return version === last.version + 1 && last.since.every((offset, partition) => (since[partition] ?? 0) >= offset);
}

export interface LogPlace {
  readonly partition: number;
  readonly offset: number;
}

export type VersionAt =
  | { readonly type: 'version'; readonly version: RoutesProposal }
  /** It may come to hold there: the record is judged once there is a verdict. */
  | { readonly type: 'pending'; readonly proposal: RoutesProposal }
  /** No version was ever confirmed. */
  | { readonly type: 'none' };

/** By which version a record is judged. Valid if the history was read to its end after the record had been fetched. */
export function versionAt({ versions, pending }: RoutesHistory, place: LogPlace): VersionAt {
  const proposal = pending.find((candidate) => holdsAt(candidate, place));
  if (proposal) return { type: 'pending', proposal };
  const version = versions.findLast((candidate) => holdsAt(candidate, place));
  return version ? { type: 'version', version } : { type: 'none' };
}

const holdsAt = ({ since }: RoutesProposal, { partition, offset }: LogPlace): boolean => offset >= (since[partition] ?? 0);
