/** What one check says now; the detail is for people. */
export interface CheckResult {
  readonly ready: boolean;
  readonly detail?: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** The named conditions under which a process takes work. Without any it is ready, until it stops. */
export class Readiness {
  readonly #checks = new Map<string, () => CheckResult>();

  /** The check is asked at every probe, so it only looks at what is known; disposing the result removes it. */
  add(name: string, check: () => CheckResult): Disposable {
    this.#checks.set(name, check);
    return { [Symbol.dispose]: () => void this.#checks.delete(name) };
  }

  /** Not ready from now on, whatever the checks say. */
  markStopping(): void {
    this.add('process', () => ({ ready: false, detail: 'stopping' }));
  }

  report(): ReadinessReport {
    const results = [...this.#checks].map(([name, check]) => [name, check()] as const);
    return { ready: results.every(([, { ready }]) => ready), checks: Object.fromEntries(results) };
  }
}
