import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Metrics } from '../../../kernel/observe/metrics.ts';
import { RateLimitedLog } from '../../../kernel/observe/rate-limited-log.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { TimerHeap } from '../../../kernel/time/timer-heap.ts';
import type { orderMetricTable } from '../order-metrics.ts';
import type { OrderRules } from '../order-rules.ts';
import type { OpenOutput } from '../ordered-output.ts';
import type { SlabBudget } from '../slab-budget.ts';
import { channelNameOf } from '../source/frame.ts';
import { ChannelOrder } from './channel-order.ts';
import type { SourceConnection } from './connections.ts';
import type { Packet } from './packet.ts';
import { PacketRate } from './packet-rate.ts';

interface ChannelOrdersOptions {
  readonly rules: OrderRules;
  readonly maxChannels: number;
  readonly openOutput: OpenOutput;
  readonly budget: SlabBudget;
  readonly metrics: Metrics<typeof orderMetricTable>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
}

export interface ChannelStatistics {
  readonly id: string;
  readonly packetsPerSecond: number;
  /** 0: its first packets are still held. */
  readonly epoch: number;
  /** The number that is due. */
  readonly next: number;
  /** Packets that wait, and the slabs that they lie in. */
  readonly buffered: number;
  readonly slabs: number;
  readonly packets: number;
  readonly bytes: number;
  readonly reordered: number;
  readonly duplicates: number;
  readonly late: number;
  readonly gaps: number;
  readonly gapPackets: number;
}

interface Channel {
  readonly name: string;
  readonly order: ChannelOrder;
  readonly rate: PacketRate;
  /** When its due time in the heap is; infinite where it has none. */
  scheduledFor: number;
}

const linesPerMinute = 10;

/** The order of every channel that the sources bring, up to `maxChannels`, and one timer for all that waits. */
export class ChannelOrders implements Disposable {
  readonly #options: ChannelOrdersOptions;
  readonly #channels = new Map<string, Channel>();
  /** By the six bytes, so that a packet of a known channel makes no text. Several ids are one channel where only blanks differ. */
  readonly #byId = new Map<number, Channel>();
  readonly #timers: TimerHeap;
  readonly #log: RateLimitedLog;
  readonly #waited: { observe(seconds: number): void };
  #refused = 0;

  constructor(options: ChannelOrdersOptions) {
    const { metrics, logger } = options;
    this.#options = options;
    this.#timers = new TimerHeap(options);
    this.#log = new RateLimitedLog({ logger, linesPerMinute });
    this.#waited = metrics.histogram('sluice_channels_reorder_delay_seconds', {});
    metrics.counterOf('sluice_channels_refused_packets_total', {}, () => this.#refused);
  }

  /** `channelId`: the six bytes of the frame as a number. */
  receive(channelId: number, packet: Packet, connection: SourceConnection): void {
    const channel = this.#byId.get(channelId) ?? this.#find(channelId);
    if (!channel) {
      this.#refused += 1;
      return;
    }
    const { order } = channel;
    order.receive(packet, connection);
    channel.rate.count(order.counts.packets, packet.arrivedAt);
    if (order.deadline < channel.scheduledFor) this.#schedule(channel);
  }

  /** Nothing more comes: what waits is delivered. */
  flush(): void {
    const now = this.#options.clock.monotonic();
    for (const { order } of this.#channels.values()) order.flush(now);
  }

  statistics(): ChannelStatistics[] {
    const now = this.#options.clock.monotonic();
    return [...this.#channels.values()].map(({ name, order, rate }) => ({
      id: name,
      packetsPerSecond: rate.read(order.counts.packets, now),
      epoch: order.epoch,
      next: order.next,
      buffered: order.buffered,
      slabs: order.slabs,
      ...order.counts,
    }));
  }

  [Symbol.dispose](): void {
    this.#timers[Symbol.dispose]();
  }

  /** Undefined where the channel is one too many. */
  #find(channelId: number): Channel | undefined {
    const { maxChannels } = this.#options;
    const name = channelNameOf(channelId);
    let channel = this.#channels.get(name);
    if (!channel && this.#channels.size < maxChannels) channel = this.#open(name);
    if (channel) this.#byId.set(channelId, channel);
    else this.#log.warn({ key: 'refused', fields: { channel: name, maxChannels }, message: 'a packet of one channel too many is dropped' });
    return channel;
  }

  #schedule(channel: Channel): void {
    const { deadline } = channel.order;
    channel.scheduledFor = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.#timers.set(channel.name, deadline, () => {
      channel.order.expire(this.#options.clock.monotonic());
      this.#schedule(channel);
    });
  }

  #open(name: string): Channel {
    const { rules, openOutput, budget, clock } = this.#options;
    const order = new ChannelOrder({
      rules,
      budget,
      output: openOutput(name),
      observer: {
        waited: (ms) => this.#waited.observe(ms / 1000),
        gap: (from, to, reason) =>
          this.#log.warn({ key: `gap ${name}`, fields: { channel: name, from, to, reason }, message: 'numbers are passed over' }),
        epoch: (epoch, next) => {
          if (epoch > 1)
            this.#log.warn({ key: `epoch ${name}`, fields: { channel: name, epoch, next }, message: 'the count begins again' });
        },
      },
    });
    const channel = { name, order, rate: new PacketRate(clock.monotonic()), scheduledFor: Number.POSITIVE_INFINITY };
    this.#channels.set(name, channel);
    this.#measure(name, order);
    return channel;
  }

  #measure(channel: string, order: ChannelOrder): void {
    const { metrics } = this.#options;
    const { counts } = order;
    metrics.counterOf('sluice_channels_frames_total', { channel }, () => counts.packets);
    metrics.counterOf('sluice_channels_reordered_total', { channel }, () => counts.reordered);
    metrics.counterOf('sluice_channels_duplicates_total', { channel }, () => counts.duplicates);
    metrics.counterOf('sluice_channels_late_total', { channel }, () => counts.late);
    metrics.counterOf('sluice_channels_gaps_total', { channel }, () => counts.gaps);
    metrics.counterOf('sluice_channels_gap_packets_total', { channel }, () => counts.gapPackets);
    metrics.gaugeOf('sluice_channels_epoch', { channel }, () => order.epoch);
    metrics.gaugeOf('sluice_channels_reorder_depth', { channel }, () => order.buffered);
  }
}
