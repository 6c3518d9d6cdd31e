import { expect, test } from 'vitest';
import { ScriptedSink } from '../../../test/support/scripted-sink.ts';
import { openSystemHub } from '../../../test/support/system-hub.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { rawForm } from './fanout/delivery-form.ts';
import { createFanoutMeter, fanoutMetricTable } from './fanout-metrics.ts';

test('what is delivered, and who watches, is counted', async () => {
  const registry = new MetricRegistry();
  const meter = createFanoutMeter(registry.declare(fanoutMetricTable));
  const { hub, send } = openSystemHub({ meter });
  const sink = new ScriptedSink();
  for (const user of ['a', 'b'])
    hub.join({ user, channel: 'zato01', peer: '', form: rawForm, start: { at: 'live' }, isAligned: false, withAck: false, sink });
  send(0, 'abc');
  await waitFor(
    async () => sink.text,
    (text) => text === 'abcabc',
  );
  hub.closeUser('a');
  meter.handshakeFailed('NOT_REGISTERED');
  const lines = (await registry.text()).split('\n');
  for (const line of [
    'sluice_channels_sessions 1',
    'sluice_channels_delivered_packets_total 2',
    'sluice_channels_delivered_bytes_total 6',
    'sluice_channels_sessions_ended_total{reason="closed"} 1',
    'sluice_channels_handshake_failures_total{code="NOT_REGISTERED"} 1',
    'sluice_channels_output_slabs 1',
  ])
    expect(lines).toContain(line);
  hub.end();
});
