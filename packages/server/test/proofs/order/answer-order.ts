import type { Call } from '../shim/call-log.ts';
import { DiskHistory, type Durability, type FileRange } from './disk-history.ts';

/** A 200 that a client has read. */
export interface Acknowledgement {
  /** `<port of the server>:<port of the client>` */
  readonly connection: string;
  /** Of the answers of this connection, from 0. */
  readonly index: number;
  /** For each sink the blocks that hold a row of the request; one of them suffices, no sink may have none. */
  readonly sinks: readonly (readonly FileRange[])[];
}

export interface OrderReport {
  readonly answers: number;
  /** Blocks behind these answers, each counted once. */
  readonly blocks: number;
  /** A sentence for each answer that was given too early. */
  readonly violations: readonly string[];
}

/**
 * I1: no 200 begins before every block with a row of its request, and every name that leads to it from `root` on, is durable.
 * An answer that the log does not have, or a block that nobody wrote in it, is a violation: the log is then no proof.
 */
export function checkAnswerOrder(
  calls: readonly Call[],
  { root, acknowledgements }: { readonly root: string; readonly acknowledgements: readonly Acknowledgement[] },
): OrderReport {
  const history = new DiskHistory(calls, root);
  const known = new Map<string, Durability>();
  const durabilityOf = (block: FileRange): Durability => {
    const key = `${block.path} ${block.offset} ${block.length}`;
    const durability = known.get(key) ?? history.blockDurable(block);
    known.set(key, durability);
    return durability;
  };
  const answers = answersByConnection(calls);
  const violations = acknowledgements.flatMap(({ connection, index, sinks }) => {
    const name = `answer ${index} on ${connection}`;
    const answer = answers.get(connection)?.[index];
    if (answer?.length !== 200) return [`${name}: the log has ${answer === undefined ? 'no such answer' : `status ${answer.length}`}`];
    if (sinks.length === 0) return [`${name}: no sink holds a row`];
    const early = sinks.flatMap((blocks) => {
      const found = blocks.map(durabilityOf);
      if (found.some((durability) => 'from' in durability && durability.from < answer.begin)) return [];
      return found.map((durability) => reasonOf(durability, answer)).join('; ') || 'a sink holds no row';
    });
    return early.length > 0 ? [`${name}: ${early.join('; ')}`] : [];
  });
  return { answers: acknowledgements.length, blocks: known.size, violations };
}

function answersByConnection(calls: readonly Call[]): Map<string, Call[]> {
  const answers = new Map<string, Call[]>();
  // An answer that did not fit into the socket is written again.
  for (const call of calls)
    if (call.name === 'answer' && call.result > 0) answers.set(call.path, [...(answers.get(call.path) ?? []), call]);
  return answers;
}

const reasonOf = (durability: Durability, answer: Call): string =>
  'never' in durability ? durability.never : `durable at ${durability.from}, answered at ${answer.begin}`;
