import { MemoryLog } from '../../../test/support/memory-log.ts';
import { systemClock } from '../../kernel/time/clock.ts';
import { describeLogEngine } from './log-engine.conformance.ts';

describeLogEngine('in memory', () => {
  const log = new MemoryLog({ clock: systemClock });
  let topics = 0;
  return Promise.resolve({
    log,
    topicName: () => {
      topics += 1;
      return `topic-of-test-${topics}`;
    },
    reopen: async () => {
      await log[Symbol.asyncDispose]();
      log.reopen();
    },
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  });
});
