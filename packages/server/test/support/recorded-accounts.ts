import type { DeliveredRange, SessionAccount, SessionAccounts, SessionIdentity } from '../../src/features/channels/session-account.ts';

interface RecordedAccount extends SessionIdentity {
  readonly ranges: DeliveredRange[];
  packets: number;
  bytes: number;
  dropped: number;
  isClosed: boolean;
  untaken?: { readonly packets: number; readonly bytes: number };
}

/** Accounts that remember everything they were told; a call after the end is an error. */
export class RecordedAccounts implements SessionAccounts {
  readonly #accounts = new Map<string, RecordedAccount>();

  /** Of a session that was opened. */
  of(sessionId: string): RecordedAccount {
    const account = this.#accounts.get(sessionId);
    if (account === undefined) throw new Error(`There was no session ${sessionId}.`);
    return account;
  }

  all(): RecordedAccount[] {
    return [...this.#accounts.values()];
  }

  open(session: SessionIdentity): SessionAccount {
    const account: RecordedAccount = { ...session, ranges: [], packets: 0, bytes: 0, dropped: 0, isClosed: false };
    this.#accounts.set(session.sessionId, account);
    const expectOpen = () => {
      if (account.isClosed) throw new Error(`Session ${session.sessionId} is closed.`);
    };
    return {
      delivered: (range) => {
        expectOpen();
        const last = account.ranges.at(-1);
        if (last && last.epoch === range.epoch && range.from <= last.to) throw new Error(`Range ${range.from} behind ${last.to}.`);
        account.ranges.push(range);
        account.packets += range.packets;
        account.bytes += range.bytes;
      },
      dropped: (packets) => {
        expectOpen();
        account.dropped += packets;
      },
      close: (untaken) => {
        expectOpen();
        account.isClosed = true;
        if (untaken) account.untaken = untaken;
      },
    };
  }
}
