import type { PlantedText } from '../../crash/planted/planted-text.ts';

const consume = 'features/events/consume';

/** Each is caught by a short run of the events' crash suite. */
export const plantedEventBugs: readonly PlantedText[] = [
  {
    name: 'answer before the log has it',
    file: 'features/events/event-appender.ts',
    text: 'await log.append({ topic: found.name, partition, records: this.#records(chunk, key) });',
    planted:
      'const records = this.#records(chunk, key); setTimeout(() => void log.append({ topic: found.name, partition, records }).catch(() => {}), 1000);',
  },
  {
    name: 'commit before write',
    file: `${consume}/batch-collector.ts`,
    text: 'onFetched(fetched);',
    planted: 'onFetched(fetched); void owned.commit(fetched.nextOffset).catch(() => {});',
  },
  {
    name: 'no fence',
    file: 'engines/series/postgres/store-batch.ts',
    text: 'AND next = $5`',
    planted: 'AND $5::bigint IS NOT NULL`',
  },
  {
    name: 'repeats stored',
    file: `${consume}/judge.ts`,
    text: 'window.see({ key: origin.key, index: origin.index, timestampMs })',
    planted: 'window.see({ key: origin.key, index: origin.index, timestampMs }) && false',
  },
  {
    name: 'repeats forgotten at a restart',
    file: `${consume}/open-position.ts`,
    text: 'const window = await rebuildWindow({ log, topic: owned.topic, partition: owned.partition, signal }, next);',
    planted: 'const window = new RepeatWindow(); void rebuildWindow;',
  },
  {
    name: 'judged by the newest routes',
    file: `${consume}/batch-collector.ts`,
    text: 'offset: records[index]?.offset ?? 0',
    planted: 'offset: (records[index]?.offset ?? 0) + 1e9',
  },
  {
    name: 'points of a millisecond replace each other',
    file: 'engines/series/influx/line-protocol.ts',
    text: 'timestamp(timeMs, offset % offsetsPerGroup)',
    planted: 'timestamp(timeMs, 0 * offset)',
  },
];
