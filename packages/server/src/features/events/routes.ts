import type { RouteSet } from '@sluice/contract/event-routes';
import { notParsed, type Parsed, parsed } from '../../kernel/codec/parsed.ts';
import { errorText } from '../../kernel/errors/app-error.ts';
import type { Event } from './event.ts';
import { compilePredicate, type Predicate } from './routing/predicate.ts';

export interface RouteVerdict {
  /** Names of the routes that the event goes to, in the order of the set; the same array for the same routes. */
  readonly matched: readonly string[];
  /** Routes whose predicate has no value for this event, such as a division by zero; usually absent. */
  readonly failed?: readonly { readonly route: string; readonly reason: string }[];
}

/** Verdicts that are kept for the next event with the same routes. */
const maxVerdicts = 1000;

/** The routes of one version, ready to judge events: a function of the event alone. */
export class Routes {
  readonly #predicates: readonly { readonly route: string; readonly predicate: Predicate }[];
  readonly #watermark: number;
  /** By the bits of the routes that match. */
  readonly #verdicts = new Map<number, RouteVerdict>();

  constructor(predicates: readonly { readonly route: string; readonly predicate: Predicate }[], watermark: number) {
    this.#predicates = predicates;
    this.#watermark = watermark;
  }

  get names(): readonly string[] {
    return this.#predicates.map(({ route }) => route);
  }

  judge({ amount, time, id = '' }: Event): RouteVerdict {
    const input = { amount, time, id, watermark: this.#watermark };
    let bits = 0;
    let bit = 1;
    let failed: { route: string; reason: string }[] | undefined;
    for (const { route, predicate } of this.#predicates) {
      try {
        if (predicate(input)) bits |= bit;
      } catch (error) {
        failed = [...(failed ?? []), { route, reason: errorText(error).split('\n', 1)[0] ?? '' }];
      }
      bit *= 2;
    }
    const verdict = this.#verdicts.get(bits) ?? this.#newVerdict(bits);
    return failed ? { ...verdict, failed } : verdict;
  }

  #newVerdict(bits: number): RouteVerdict {
    if (this.#verdicts.size === maxVerdicts) this.#verdicts.clear();
    const verdict = { matched: this.names.filter((_, index) => bits & (1 << index)) };
    this.#verdicts.set(bits, verdict);
    return verdict;
  }
}

/** The reason names the route and says what is wrong in its predicate. */
export function compileRoutes({ routes, watermark }: RouteSet): Parsed<Routes> {
  const predicates = [];
  for (const { name, when } of routes) {
    const predicate = compilePredicate(when);
    if (!predicate.ok) return notParsed(`route "${name}": ${predicate.reason}`);
    predicates.push({ route: name, predicate: predicate.value });
  }
  return parsed(new Routes(predicates, watermark));
}

/** The two routes that part the line of all amounts at the watermark. */
export const presetRoutes = (watermark: number): RouteSet => ({
  watermark,
  routes: [
    { name: 'high', when: 'amount > watermark' },
    { name: 'low', when: 'amount <= watermark' },
  ],
});
