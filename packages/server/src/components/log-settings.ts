import { z } from 'zod';
import type { LogConfig } from '../engines/log/log-config.ts';
import { byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import type { EngineSettings } from './engine-settings.ts';
import { type KafkaSettings, kafkaConfigOf } from './kafka-settings.ts';

/** Settings of the embedded log that events are kept in, where no brokers of Kafka are named. */
export const logSettings = z.object({
  segmentSize: byteSizeSetting('64MB', { min: '1MB', max: '1GB' }).describe(
    'A file of a topic of the embedded log that has this size is followed by the next.',
  ),
  segmentAge: durationSetting('1h', { min: '1m', max: '168h' }).describe('And so is one whose first event has this age.'),
  retention: durationSetting('168h', { min: '0s', max: '87600h' }).describe(
    'Files go once their newest event has this age and every consumer group that is known has read them.',
  ),
  maxTopicSize: byteSizeSetting('10GB', { min: '2MB', max: '10TB' }).describe(
    'Of the files of a topic. Over it the oldest go, read or not; what a group loses is counted.',
  ),
});

interface LogSettings {
  readonly engine: EngineSettings;
  readonly eventLog: z.output<typeof logSettings>;
  readonly kafka: KafkaSettings;
}

/** What `openLogEngine` takes: Kafka where brokers are named, else the log of another process, else the embedded log in the folder. */
export function logConfigOf({ engine, eventLog, kafka }: LogSettings, folderOf: () => string): LogConfig {
  if (kafka.brokers.length > 0) return kafkaConfigOf(kafka);
  if (engine.socket !== '') return { kind: 'socket', path: engine.socket, token: engine.token, retryMs: engine.retry };
  const { segmentSize, segmentAge, retention, maxTopicSize } = eventLog;
  return {
    kind: 'sqlite',
    folder: folderOf(),
    segmentBytes: segmentSize,
    segmentMs: segmentAge,
    retentionMs: retention,
    maxTopicBytes: maxTopicSize,
  };
}
