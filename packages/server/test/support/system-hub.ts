import { ChannelHub, type FanoutRules } from '../../src/features/channels/channel-hub.ts';
import type { FanoutMeter } from '../../src/features/channels/fanout-metrics.ts';
import { systemClock } from '../../src/kernel/time/clock.ts';
import { systemTimer } from '../../src/kernel/time/start-timer.ts';
import { countedBudget, silentFanoutMeter } from './fanout-fixture.ts';
import { RecordedAccounts } from './recorded-accounts.ts';

interface SystemHub {
  readonly rules?: Partial<FanoutRules>;
  readonly meter?: FanoutMeter;
}

/** A hub on the real clock, with one channel `zato01` in epoch 1. */
export function openSystemHub({ rules, meter = silentFanoutMeter }: SystemHub = {}) {
  const accounts = new RecordedAccounts();
  let sessions = 0;
  const hub = new ChannelHub({
    rules: {
      replayMs: 30_000,
      gatherMs: 2,
      many: { viewers: 64, gatherMs: 7 },
      packetBatchSize: 0,
      maxLagBytes: 4 * 1024 * 1024,
      policy: 'drop-oldest',
      userPolicies: new Map(),
      ...rules,
    },
    budget: countedBudget(1024),
    accounts,
    meter,
    clock: systemClock,
    startTimer: systemTimer,
    sessionId: () => `s${++sessions}`,
  });
  const output = hub.openOutput('zato01');
  output.epoch(1, 0);
  const send = (sequence: number, payload: string | Buffer): void => {
    const bytes = Buffer.from(payload);
    output.data(sequence, bytes, 0, bytes.length);
  };
  return { hub, accounts, output, send };
}
