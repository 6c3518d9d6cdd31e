import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { EventProducer } from '../features/events/event-producer.ts';
import { producerMetricTable } from '../features/events/producer-metrics.ts';
import { seededNumbers } from '../kernel/codec/seeded-numbers.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import type { NodeProcess } from './node.ts';

const maxSeed = 2 ** 32;

/** Component `event-producer`: made-up events to an events API. `end` stops the process once enough are acknowledged. */
export async function startEventProducer(
  { config, folder, lifecycle, metrics, clock, ...node }: NodeProcess,
  end: () => void,
): Promise<void> {
  const { producer } = config.events;
  if (!folder)
    throw new AppError('configInvalid', 'event-producer keeps a journal in a data folder of its own: start it without engine.socket.');
  const logger = node.logger.child({ component: 'event-producer' });
  const seed = producer.seed === 0 ? randomInt(1, maxSeed) : producer.seed;
  logger.info({ url: producer.url, rate: producer.rate, seed }, producer.disable ? 'processing disabled' : 'making events');
  const { distribution, min, max } = producer;
  lifecycle.add(
    await EventProducer.open({
      settings: {
        url: producer.url,
        form: producer.plainText ? 'text' : 'json',
        isDisabled: producer.disable,
        rate: producer.rate,
        batchIntervalMs: producer.batchInterval,
        maxBatch: producer.batchSize,
        maxBuffer: producer.maxBuffer,
        timeoutMs: producer.timeout,
        count: producer.count,
      },
      amounts: { distribution, min, max, random: seededNumbers(seed) },
      folder: join(folder.path, 'producer'),
      metrics: metrics.declare(producerMetricTable),
      logger,
      clock,
      onDone: end,
    }),
  );
}
