/** Usage of one session: a viewer's connection to one channel. Calls are synchronous; numbers become durable with the next flush. */
export interface SessionAccount {
  /**
   * Packets that were handed over: `packets` of the numbers `from` to `to`, both included, of one epoch, with `bytes` of payload.
   * Ranges of a session rise and never overlap.
   */
  delivered(range: DeliveredRange): void;
  /** Packets that the session should have had, and that were given up for it. */
  dropped(packets: number): void;
  /** The session has ended. What was handed over last and never taken by the viewer is given as `untaken` and is not billed. */
  close(untaken?: { readonly packets: number; readonly bytes: number }): void;
}

export interface DeliveredRange {
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  readonly packets: number;
  readonly bytes: number;
}

/** What is known of a session when it is accepted. `sessionId` is new on every accept. */
export interface SessionIdentity {
  readonly sessionId: string;
  readonly user: string;
  readonly channel: string;
}

export interface SessionAccounts {
  open(session: SessionIdentity): SessionAccount;
}

/** Who may watch. Rejects with `usageUnavailable` where the store must be asked and does not answer. */
export interface RegisteredUsers {
  isRegistered(user: string, signal: AbortSignal): Promise<boolean>;
}
