import type { RegisteredUser, UsageStore } from '../../engines/usage/usage-store.ts';
import { isAppError } from '../../kernel/errors/app-error.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { RegisteredUsers } from './session-account.ts';
import type { UsageMeter } from './usage-metrics.ts';
import { isUserId } from './user-id.ts';

interface UsersCacheOptions {
  readonly store: UsageStore;
  readonly clock: Clock;
  readonly meter: UsageMeter;
  /** How long a registered user is not asked for again. */
  readonly ttlMs?: number;
  readonly maxUsers?: number;
}

const defaultTtlMs = 60_000;
/** Other processes register users too. */
const absentTtlMs = 1000;
const defaultMaxUsers = 10_000;

interface Known {
  readonly isRegistered: boolean;
  readonly until: number;
}

/**
 * Who is registered, with a memory of the users that were asked for last, so that a handshake seldom waits for the store. A user that
 * was registered when the store answered last passes while it does not answer.
 */
export class RegisteredUsersCache implements RegisteredUsers {
  readonly #options: UsersCacheOptions;
  /** The one that was not asked for the longest is the first. */
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(options: UsersCacheOptions) {
    this.#options = options;
  }

  async isRegistered(user: string, signal: AbortSignal): Promise<boolean> {
    // Nobody could have registered it, and no store can be asked for it.
    if (!isUserId(user)) return false;
    const { clock, meter } = this.#options;
    const known = this.#known.get(user);
    if (known && clock.monotonic() < known.until) {
      this.#keep(user, known);
      meter.lookedUp('fresh');
      return known.isRegistered;
    }
    try {
      const isRegistered = await this.#ask(user, signal);
      meter.lookedUp('asked');
      return isRegistered;
    } catch (error) {
      if (known?.isRegistered === true && isAppError(error, 'usageUnavailable')) {
        meter.lookedUp('stale');
        return true;
      }
      meter.lookedUp('failed');
      throw error;
    }
  }

  /** True where the user was not registered before. */
  async register(user: RegisteredUser, signal: AbortSignal): Promise<boolean> {
    const isNew = await this.#options.store.addUser(user, signal);
    this.#learn(user.user, true);
    return isNew;
  }

  /** False where there was none. */
  async remove(user: string, signal: AbortSignal): Promise<boolean> {
    const wasThere = await this.#options.store.removeUser(user, signal);
    this.#learn(user, false);
    return wasThere;
  }

  /** Many sessions of a user at once cost the store one question. */
  async #ask(user: string, signal: AbortSignal): Promise<boolean> {
    const asking = this.#asking.getOrInsertComputed(user, async () => {
      try {
        const isRegistered = (await this.#options.store.findUser(user, new AbortController().signal)) !== undefined;
        // A registration or removal meanwhile knows better.
        if (this.#asking.has(user)) this.#learn(user, isRegistered);
        return isRegistered;
      } finally {
        this.#asking.delete(user);
      }
    });
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([asking, gone]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #learn(user: string, isRegistered: boolean): void {
    const { clock, ttlMs = defaultTtlMs, maxUsers = defaultMaxUsers } = this.#options;
    this.#asking.delete(user);
    this.#keep(user, { isRegistered, until: clock.monotonic() + (isRegistered ? ttlMs : absentTtlMs) });
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxUsers && oldest !== undefined) this.#known.delete(oldest);
  }

  #keep(user: string, known: Known): void {
    this.#known.delete(user);
    this.#known.set(user, known);
  }
}
