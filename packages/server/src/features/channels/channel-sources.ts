import { once } from 'node:events';
import type { HostPort } from '../../kernel/codec/host-port.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Metrics } from '../../kernel/observe/metrics.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import { ChannelOrders, type ChannelStatistics } from './order/channel-orders.ts';
import type { orderMetricTable } from './order-metrics.ts';
import type { OrderRules } from './order-rules.ts';
import type { OpenOutput } from './ordered-output.ts';
import type { SlabBudget } from './slab-budget.ts';
import { SourceClient, type SourceStatistics } from './source/source-client.ts';
import type { SourceSettings } from './source-settings.ts';

interface ChannelSourcesOptions {
  /** All of them bring the same channels; what one has lost another may have. */
  readonly addresses: readonly HostPort[];
  readonly source: SourceSettings;
  readonly rules: OrderRules;
  readonly maxChannels: number;
  readonly openOutput: OpenOutput;
  readonly budget: SlabBudget;
  readonly metrics: Metrics<typeof orderMetricTable>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly random: () => number;
}

/**
 * The channels of the sources, each in order.
 *
 *     source --socket--> chunks --parser--> frames --order of the channel--> OrderedOutput
 *     source --socket--> chunks --parser-----'
 *
 * All of it is one turn of the event loop, and no payload is copied, but for what waits. A packet is the same one whichever source brings
 * it: the second is a duplicate.
 */
export class ChannelSources implements Part {
  readonly name = 'channel-sources';
  readonly #clients: readonly SourceClient[];
  readonly #orders: ChannelOrders;
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: ChannelSourcesOptions) {
    const { addresses, source: settings, budget, metrics } = options;
    const orders = new ChannelOrders(options);
    this.#orders = orders;
    this.#clients = addresses.map(
      (address) =>
        new SourceClient({
          ...options,
          address,
          settings,
          onFrame: (frame, connection) => orders.receive(frame.channelId, frame, connection),
          isShortOfMemory: () => budget.isShort,
        }),
    );
    for (const use of ['order', 'replay'] as const) metrics.gaugeOf('sluice_channels_buffer_slabs', { use }, () => budget.held(use));
  }

  sources(): SourceStatistics[] {
    return this.#clients.map((client) => client.statistics());
  }

  channels(): ChannelStatistics[] {
    return this.#orders.statistics();
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#stopping.signal]);
    await Promise.all(this.#clients.map((client) => client.run(stop)));
    this.#orders.flush();
    this.#orders[Symbol.dispose]();
    this.#ended.resolve();
    if (!signal.aborted) await once(signal, 'abort');
  }

  /** Leaves the sources, and delivers what waits. */
  stopAccepting(): Promise<void> {
    this.#stopping.abort();
    return this.#ended.promise;
  }
}
