import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';

interface Marker {
  state: 'running' | 'finished';
  readonly startedAt: number;
}

/** A finished operation stays visible until this long after its start, so that an immediate repeat is told apart from a late one. */
const visibleMs = 500;

/** Which entities an operation works on at the moment, or has just worked on. */
export class EntityMarkers {
  readonly #markers = new Map<string, Marker>();
  readonly #clock: Clock;
  readonly #startTimer: StartTimer;

  constructor({ clock, startTimer }: { readonly clock: Clock; readonly startTimer: StartTimer }) {
    this.#clock = clock;
    this.#startTimer = startTimer;
  }

  stateOf(entityKey: string): Marker['state'] | undefined {
    return this.#markers.get(entityKey)?.state;
  }

  /** The returned function marks the end. */
  begin(entityKey: string): () => void {
    const marker: Marker = { state: 'running', startedAt: this.#clock.monotonic() };
    this.#markers.set(entityKey, marker);
    return () => {
      marker.state = 'finished';
      const leftMs = visibleMs - (this.#clock.monotonic() - marker.startedAt);
      if (leftMs <= 0) this.#remove(entityKey, marker);
      else this.#startTimer(leftMs, () => this.#remove(entityKey, marker));
    };
  }

  /** Another operation may have begun since. */
  #remove(entityKey: string, marker: Marker): void {
    if (this.#markers.get(entityKey) === marker) this.#markers.delete(entityKey);
  }
}
