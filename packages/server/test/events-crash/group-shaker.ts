import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEngine } from '../../src/engines/log/log-engine.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

interface GroupShakerOptions {
  readonly log: LogEngine;
  readonly topic: string;
  readonly groups: readonly string[];
  readonly random: SeededRandom;
}

/** From its coming on, or until it gets a partition. */
const longestStayMs = 3000;

/** A member that comes to a group, takes partitions from the others, handles nothing, and leaves again: each time everything is shared out anew. */
export class GroupShaker {
  readonly #options: GroupShakerOptions;
  #rebalances = 0;
  #taken = 0;

  constructor(options: GroupShakerOptions) {
    this.#options = options;
  }

  /** Its comings and goings. */
  get rebalances(): number {
    return this.#rebalances;
  }

  /** Partitions that it was given and handled nothing of. */
  get taken(): number {
    return this.#taken;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { groups, random } = this.#options;
    for (let turn = 0; !signal.aborted; turn += 1) {
      await this.visit(groups[turn % groups.length] ?? '', signal);
      await sleep(random.between(300, 1500), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Comes to one group and leaves it. */
  async visit(group: string, signal: AbortSignal): Promise<void> {
    const { log, topic, random } = this.#options;
    const stay = AbortSignal.any([signal, AbortSignal.timeout(longestStayMs)]);
    await using member = await log.join({ group, topics: [topic], start: 'begin' });
    this.#rebalances += 1;
    for await (const _partition of member.partitions(stay)) {
      this.#taken += 1;
      await sleep(random.between(0, 500), undefined, { signal }).catch(() => undefined);
      break;
    }
    this.#rebalances += 1;
  }
}
