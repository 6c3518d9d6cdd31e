/** 0: no limit. */
export interface LimitSettings {
  readonly total: number;
  readonly perUser: number;
  readonly perAddress: number;
}

/** Connections and sessions that are open. What is taken is given back once. */
export class SessionLimits {
  readonly #settings: LimitSettings;
  readonly #byAddress = new Map<string, number>();
  readonly #byUser = new Map<string, number>();
  #total = 0;

  constructor(settings: LimitSettings) {
    this.#settings = settings;
  }

  /** A connection, whatever it will say. False: there are too many. */
  addConnection(address: string): boolean {
    const { total, perAddress } = this.#settings;
    if (isReached(total, this.#total) || isReached(perAddress, this.#byAddress.get(address))) return false;
    this.#total += 1;
    change(this.#byAddress, address, 1);
    return true;
  }

  removeConnection(address: string): void {
    this.#total -= 1;
    change(this.#byAddress, address, -1);
  }

  addUser(user: string): boolean {
    if (isReached(this.#settings.perUser, this.#byUser.get(user))) return false;
    change(this.#byUser, user, 1);
    return true;
  }

  removeUser(user: string): void {
    change(this.#byUser, user, -1);
  }
}

const isReached = (limit: number, count = 0): boolean => limit > 0 && count >= limit;

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
