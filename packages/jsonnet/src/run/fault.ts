import { JsonnetError } from '../jsonnet-error.ts';
import type { Site } from './site.ts';

/** An error on its way up: each place it passes adds its line of the stack. */
export class Fault extends Error {
  readonly kind: 'runtime' | 'budget';
  /** Innermost first. */
  readonly sites: Site[] = [];
  /** Whether the next place on the way up has no line, since a tail call took its frame. */
  replaced = false;

  constructor(message: string, kind: 'runtime' | 'budget' = 'runtime') {
    super(message);
    this.kind = kind;
  }

  toError(): JsonnetError {
    const range = this.sites.map((site) => site.range).find((found) => found !== undefined);
    return new JsonnetError(this.message, { kind: this.kind, range, frames: this.sites.map((site) => site.frame()) });
  }
}

/** What to throw on where `site` sees `error` pass: a call or a forced value started there. */
export function passing(error: unknown, site: Site): unknown {
  const fault = asFault(error);
  if (fault instanceof Fault) {
    if (fault.replaced) fault.replaced = false;
    else fault.sites.push(site);
  }
  return fault;
}

/** What to throw on where a tail call has taken the frame of the call around it. */
export function replaced(error: unknown): unknown {
  const fault = asFault(error);
  if (fault instanceof Fault) fault.replaced = true;
  return fault;
}

/** The engine's own limits as budget errors; anything else as it is. */
export function asFault(error: unknown): unknown {
  if (!(error instanceof RangeError)) return error;
  return new Fault(error.message.startsWith('Maximum call stack') ? 'max stack frames exceeded.' : 'value too large.', 'budget');
}
