import { ChannelOrders } from '../../../src/features/channels/order/channel-orders.ts';
import { orderMetricTable } from '../../../src/features/channels/order-metrics.ts';
import type { OrderedOutput } from '../../../src/features/channels/ordered-output.ts';
import { SlabBudget } from '../../../src/features/channels/slab-budget.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { systemClock } from '../../../src/kernel/time/clock.ts';
import { systemTimer } from '../../../src/kernel/time/start-timer.ts';
import { defaultRules } from '../../support/channels/ordered-record.ts';
import { silentLogger } from '../../support/silent-logger.ts';

/** What packets go through before they are in an output. The payload is lent for the call. */
export type TakePacket = (sequence: number, payload: Buffer) => void;

/** As they come. */
export function withoutOrder(output: OrderedOutput): TakePacket {
  output.epoch(1, 0);
  return (sequence, payload) => output.data(sequence, payload, 0, payload.length);
}

/** As the component has it: the reorder window of the channel, from one source. */
export function throughReorderWindow(output: OrderedOutput): TakePacket {
  const orders = new ChannelOrders({
    rules: { ...defaultRules, startPolicy: 'zero' },
    maxChannels: 1,
    openOutput: () => output,
    budget: new SlabBudget({ maxBytes: 64 * 1024 * 1024 }),
    metrics: new MetricRegistry().declare(orderMetricTable),
    logger: silentLogger,
    clock: systemClock,
    startTimer: systemTimer,
  });
  const connection = { isOpen: true };
  return (sequence, payload) =>
    orders.receive(channelId, { sequence, bytes: payload, start: 0, end: payload.length, arrivedAt: systemClock.monotonic() }, connection);
}

const channelId = 1;
