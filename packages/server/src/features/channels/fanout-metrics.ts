import type { Metrics, MetricTable } from '../../kernel/observe/metrics.ts';
import type { SessionEnd } from './fanout/viewer-session.ts';

export const fanoutMetricTable = {
  sluice_channels_sessions: { type: 'gauge', help: 'Viewers that are connected.', labels: [] },
  sluice_channels_delivered_packets_total: { type: 'counter', help: 'Packets that the system took for viewers.', labels: [] },
  sluice_channels_delivered_bytes_total: { type: 'counter', help: 'Payload of these packets.', labels: [] },
  sluice_channels_session_dropped_packets_total: {
    type: 'counter',
    help: 'Packets that were left out for viewers that lagged.',
    labels: [],
  },
  sluice_channels_sessions_ended_total: {
    type: 'counter',
    help: 'Sessions that ended: the viewer left (gone), a write failed (unwritable), half-closed with nothing to send (idle), lagged (slow), ended by an operator (closed), the service stopped (stopped).',
    labels: ['reason'],
  },
  sluice_channels_handshake_failures_total: { type: 'counter', help: 'Viewers that were turned away.', labels: ['code'] },
  sluice_channels_output_slabs: { type: 'gauge', help: 'Slabs of 256 kB with packets for viewers and for replay.', labels: [] },
  sluice_channels_output_refused_packets_total: {
    type: 'counter',
    help: 'Packets that were in order and had no memory; viewers are told a gap.',
    labels: [],
  },
} as const satisfies MetricTable;

/** Why a viewer is not let in. */
export type HandshakeFailure =
  | 'BAD_REQUEST'
  | 'NOT_REGISTERED'
  | 'STORE_UNAVAILABLE'
  | 'TOO_MANY_SESSIONS'
  | 'SHUTTING_DOWN'
  | 'TIMED_OUT'
  | 'GONE';

/** What the fan-out counts. Calls are additions. */
export interface FanoutMeter {
  delivered(packets: number, bytes: number): void;
  dropped(packets: number): void;
  refused(packets: number): void;
  sessionEnded(reason: SessionEnd): void;
  handshakeFailed(code: HandshakeFailure): void;
  watch(now: { readonly sessions: () => number; readonly slabs: () => number }): void;
}

export function createFanoutMeter(metrics: Metrics<typeof fanoutMetricTable>): FanoutMeter {
  const packets = metrics.counter('sluice_channels_delivered_packets_total', {});
  const bytes = metrics.counter('sluice_channels_delivered_bytes_total', {});
  const droppedPackets = metrics.counter('sluice_channels_session_dropped_packets_total', {});
  const refusedPackets = metrics.counter('sluice_channels_output_refused_packets_total', {});
  return {
    delivered: (morePackets, moreBytes) => {
      packets.inc(morePackets);
      bytes.inc(moreBytes);
    },
    dropped: (more) => droppedPackets.inc(more),
    refused: (more) => refusedPackets.inc(more),
    sessionEnded: (reason) => metrics.counter('sluice_channels_sessions_ended_total', { reason }).inc(),
    handshakeFailed: (code) => metrics.counter('sluice_channels_handshake_failures_total', { code }).inc(),
    watch: ({ sessions, slabs }) => {
      metrics.gaugeOf('sluice_channels_sessions', {}, sessions);
      metrics.gaugeOf('sluice_channels_output_slabs', {}, slabs);
    },
  };
}
