export interface PlanOptions {
  readonly startSequence: number;
  /** Numbers are shuffled within blocks of so many; 0 and 1 leave them in order. */
  readonly reorderWindow: number;
  /** Shares of the numbers, 0 to 1: never sent, sent twice, sent `lateBy` numbers later. */
  readonly loss: number;
  readonly duplicates: number;
  readonly late: number;
  readonly lateBy: number;
  /** The count begins again after so many numbers; 0: never. */
  readonly restartEvery: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** So many numbers of the count, and what is sent in the time of these. */
export interface Block {
  /** How often the count has begun again. */
  readonly run: number;
  readonly slots: number;
  readonly arrivals: readonly number[];
  /** What must be delivered of these numbers, in order. */
  readonly onTime: readonly number[];
}

/** What a channel sends, without an end: the same for the same random numbers. */
export function* planChannel(options: PlanOptions): Generator<Block, never> {
  const { startSequence, reorderWindow, restartEvery, random } = options;
  const length = restartEvery > 0 ? restartEvery : Number.POSITIVE_INFINITY;
  let held: number[] = [];
  for (let run = 0, done = 0; ; ) {
    const slots = Math.min(Math.max(1, reorderWindow), length - done);
    const first = startSequence + done;
    const arrivals = held.filter((number) => number + options.lateBy < first + slots);
    held = held.filter((number) => number + options.lateBy >= first + slots);
    const onTime: number[] = [];
    for (let number = first; number < first + slots; number += 1) {
      const fate = random();
      if (fate < options.loss) continue;
      if (fate < options.loss + options.late) {
        held.push(number);
        continue;
      }
      onTime.push(number);
      arrivals.push(number);
      if (random() < options.duplicates) arrivals.push(number);
    }
    yield { run, slots, arrivals: reorderWindow > 1 ? shuffle(arrivals, random) : arrivals, onTime };
    done += slots;
    if (done < length) continue;
    // What is late in a count that is over would be a number of the next one.
    held = [];
    run += 1;
    done = 0;
  }
}

/** What is sent in each slot: the arrivals of a block, spread over its slots. */
export function* slotsOf(plan: Iterable<Block>): Generator<readonly number[]> {
  for (const { slots, arrivals } of plan)
    for (let slot = 0; slot < slots; slot += 1)
      yield arrivals.slice(Math.floor((slot * arrivals.length) / slots), Math.floor(((slot + 1) * arrivals.length) / slots));
}

/** The numbers that must be delivered of the first `slots` slots or a few more, a list for each count. */
export function plannedNumbers(options: PlanOptions, slots: number): number[][] {
  const runs: number[][] = [];
  let done = 0;
  for (const block of planChannel(options)) {
    const run = runs[block.run] ?? [];
    runs[block.run] = run;
    run.push(...block.onTime);
    done += block.slots;
    if (done >= slots) break;
  }
  return runs;
}

function shuffle(numbers: number[], random: () => number): number[] {
  for (let index = numbers.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [numbers[index], numbers[other]] = [numbers[other] ?? 0, numbers[index] ?? 0];
  }
  return numbers;
}
