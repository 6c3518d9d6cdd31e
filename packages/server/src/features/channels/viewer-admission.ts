import type { Logger } from '../../kernel/observe/logger.ts';
import { type LimitSettings, SessionLimits } from './fanout/session-limits.ts';
import type { FanoutMeter, HandshakeFailure } from './fanout-metrics.ts';
import type { RegisteredUsers } from './session-account.ts';

export type Refusal = Exclude<HandshakeFailure, 'GONE' | 'TIMED_OUT'>;

export const refusalTexts: Readonly<Record<Refusal, string>> = {
  BAD_REQUEST: 'The request is not valid',
  NOT_REGISTERED: 'The user is not registered',
  STORE_UNAVAILABLE: 'Whether the user is registered cannot be told now',
  TOO_MANY_SESSIONS: 'Too many sessions',
  SHUTTING_DOWN: 'The service is shutting down',
};

interface AdmissionOptions {
  readonly users: RegisteredUsers;
  readonly limits: LimitSettings;
  readonly meter: FanoutMeter;
  readonly logger: Logger;
}

/** Who is let in, by any of the servers: registered users, within the limits, while the service does not stop. */
export class ViewerAdmission {
  readonly #options: AdmissionOptions;
  readonly #limits: SessionLimits;
  readonly #stopping = new AbortController();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#limits = new SessionLimits(options.limits);
  }

  /** Aborted when nobody is let in any more. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** A connection, before anything is known of it; false where there are too many. Otherwise `leave` it once. */
  enter(address: string): boolean {
    return this.#limits.addConnection(address);
  }

  leave(address: string): void {
    this.#limits.removeConnection(address);
  }

  /** Undefined: admitted, to be given up once by `dismiss`. */
  async admit(user: string, signal: AbortSignal): Promise<Refusal | undefined> {
    const refusal = await this.#ask(user, signal);
    if (refusal !== undefined) return refusal;
    return this.#limits.addUser(user) ? undefined : 'TOO_MANY_SESSIONS';
  }

  dismiss(user: string): void {
    this.#limits.removeUser(user);
  }

  /** Counts a viewer that is turned away. */
  failed(code: HandshakeFailure): void {
    this.#options.meter.handshakeFailed(code);
  }

  async #ask(user: string, signal: AbortSignal): Promise<Refusal | undefined> {
    try {
      if (!this.stopping.aborted && !(await this.#options.users.isRegistered(user, signal))) return 'NOT_REGISTERED';
    } catch (error) {
      if (!signal.aborted) this.#options.logger.warn({ err: error }, 'whether a user is registered cannot be told');
      if (!this.stopping.aborted) return 'STORE_UNAVAILABLE';
    }
    return this.stopping.aborted ? 'SHUTTING_DOWN' : undefined;
  }
}
