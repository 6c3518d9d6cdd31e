/**
 * Events: they come in over HTTP, are kept in a log, and are routed from there into stores.
 *
 * - `event-body.ts` reads a request's body as it comes and packs its events into chunks (`event-chunk.ts`); `parse-event.ts` reads one
 *   event, from a request or from a record of the log, and says why it is none; `encode-event.ts` is the other way round.
 * - `routes.ts` compiles the predicates that say which store an event belongs to; `routes-log.ts` says which version of them holds at
 *   an offset, from a log of versions that everybody reads alike.
 * - `repeat-window.ts` finds records that a client sent twice: a function of the log alone.
 *
 * An event is valid or not by its own bytes and the time of its arrival, so a request and a reader of the log judge it alike.
 */
export interface Event {
  /** Unix milliseconds. */
  readonly time: number;
  /** Finite. */
  readonly amount: number;
  /** The amount as it was written, without quotes. */
  readonly amountText: string;
  readonly id?: string | undefined;
}

/** What an event's validity depends on besides its bytes. */
export interface EventContext {
  /** Stands for a missing time, too. */
  readonly arrivalMs: number;
  /** How far the event's time may lie ahead of its arrival. */
  readonly maxFutureSkewMs: number;
}

/** One event in JSON, whitespace included. */
export const maxEventBytes = 64 * 1024;
