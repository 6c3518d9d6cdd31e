import { randomUUID } from 'node:crypto';
import { beforeAll } from 'vitest';
import { type KafkaAddress, kafkaService } from '../../../../test/support/services/kafka-service.ts';
import { sharedService } from '../../../../test/support/services/shared-services.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import { describeLogEngine, type LogHarness } from '../log-engine.conformance.ts';
import { openKafkaLog } from './open-kafka-log.ts';

let kafka: KafkaAddress;
beforeAll(async () => {
  kafka = await sharedService(kafkaService);
});

const open = () =>
  openKafkaLog(
    { kind: 'kafka', brokers: [kafka.plain], clientId: 'test', sessionTimeoutMs: 1500, deliveryTimeoutMs: 10_000, replicas: -1 },
    { logger: silentLogger, clock: systemClock },
  );

describeLogEngine('kafka', async (): Promise<LogHarness> => {
  let log = await open();
  const names: string[] = [];
  return {
    get log() {
      return log;
    },
    topicName: () => {
      const name = `t-${randomUUID()}`;
      names.push(name);
      return name;
    },
    reopen: async () => {
      await log[Symbol.asyncDispose]();
      log = await open();
    },
    [Symbol.asyncDispose]: async () => {
      for (const name of names) await log.deleteTopic(name);
      await log[Symbol.asyncDispose]();
    },
  };
});
