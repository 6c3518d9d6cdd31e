import { setTimeout as sleep } from 'node:timers/promises';
import type { AppendRequest, AppendResult, SliceWriter } from '../../../src/features/storage/slice-writer.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';

/** What a network between source and writer does to one request. */
const fates = ['deliver', 'lose the request', 'lose the answer', 'delay the answer', 'deliver late', 'cut off'] as const;
type Fate = (typeof fates)[number];
/** Requests in a hundred thousand. A block that is cut off keeps its sink waiting until the source gives it up. */
const weights: Readonly<Record<Exclude<Fate, 'deliver'>, number>> = {
  'lose the request': 6000,
  'lose the answer': 6000,
  'delay the answer': 4000,
  'deliver late': 4000,
  'cut off': 2000,
};
/** How long a request or answer is under way that is late. */
const lateMs = { from: 1, to: 400 };
/** Later than a source waits for it. */
const muchTooLateMs = 2600;

/** A writer behind a bad network: requests and answers are lost, come late, or twice. The same seed draws the same fates. */
export class LossySliceWriter implements SliceWriter {
  readonly #writer: SliceWriter;
  readonly #random: SeededRandom;
  /** Blocks of which no answer ever comes back, by part and offset. */
  readonly #cutOff = new Set<string>();

  constructor(writer: SliceWriter, random: SeededRandom) {
    this.#writer = writer;
    this.#random = random;
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    const place = `${request.slice} ${request.part} ${request.offset}`;
    if (this.#cutOff.has(place)) throw lost();
    switch (this.#draw()) {
      case 'deliver':
        return this.#writer.append(request);
      case 'lose the request':
        throw lost();
      case 'lose the answer':
        await this.#writer.append(request);
        throw lost();
      case 'delay the answer': {
        const answer = await this.#writer.append(request);
        await sleep(this.#late());
        return answer;
      }
      case 'deliver late':
        this.#deliverAfter(request, this.#late());
        throw lost();
      case 'cut off':
        this.#cutOff.add(place);
        // In turn stored, never stored, and stored when nobody waits for it any more.
        if (this.#cutOff.size % 3 === 1) await this.#writer.append(request);
        if (this.#cutOff.size % 3 === 0) this.#deliverAfter(request, muchTooLateMs);
        throw lost();
    }
  }

  #draw(): Fate {
    let number = this.#random.between(0, 99_999);
    for (const [fate, weight] of Object.entries(weights)) {
      number -= weight;
      if (number < 0) return fates.find((each) => each === fate) ?? 'deliver';
    }
    return 'deliver';
  }

  #late(): number {
    return this.#random.between(lateMs.from, lateMs.to);
  }

  /** Nobody hears the answer. */
  #deliverAfter(request: AppendRequest, ms: number): void {
    void sleep(ms).then(() => this.#writer.append(request));
  }
}

const lost = (): Error => new Error('socket hang up');
