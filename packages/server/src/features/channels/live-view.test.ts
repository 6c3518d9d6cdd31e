import { expect, test } from 'vitest';
import { openSystemHub } from '../../../test/support/system-hub.ts';
import { rawForm } from './fanout/delivery-form.ts';
import { liveView } from './live-view.ts';

const counted = { packets: 3, bytes: 9, reordered: 0, duplicates: 0, late: 0, slabs: 1 };
const zato01 = { id: 'zato01', epoch: 1, next: 5, packetsPerSecond: 50, buffered: 2, gaps: 1, gapPackets: 4, ...counted };

function watch(hub: ReturnType<typeof openSystemHub>['hub'], channel: string) {
  const sink = { write: () => {}, end: () => {}, destroy: () => {} };
  const start = { at: 'live' } as const;
  return hub.join({ user: 'user-1', channel, peer: '127.0.0.1:1', form: rawForm, start, isAligned: false, withAck: false, sink });
}

test('a channel has the figures of its order and its viewers; before its first packet no number is due', () => {
  const { hub } = openSystemHub();
  const view = liveView({ channels: () => [zato01, { ...zato01, id: 'held', epoch: 0, next: 0 }] }, hub);
  watch(hub, 'zato01');
  watch(hub, 'zato01');
  expect([...view.channels()]).toEqual([
    { id: 'zato01', epoch: 1, rate: 50, next: 5, buffered: 2, gaps: 1, gapPackets: 4, viewers: 2 },
    { id: 'held', epoch: 0, rate: 50, next: undefined, buffered: 2, gaps: 1, gapPackets: 4, viewers: 0 },
  ]);
  hub.end();
});

test('a channel that nobody sends to is listed while it is watched', () => {
  const { hub } = openSystemHub();
  const view = liveView({ channels: () => [] }, hub);
  expect([...view.channels()]).toEqual([]);
  const { options } = watch(hub, 'quiet');
  expect([...view.channels()]).toEqual([
    { id: 'quiet', epoch: 0, rate: 0, next: undefined, buffered: 0, gaps: 0, gapPackets: 0, viewers: 1 },
  ]);
  expect([...view.sessions()]).toMatchObject([{ sessionId: 's1', user: 'user-1', channel: 'quiet', peer: '127.0.0.1:1', queuedBytes: 0 }]);
  expect([view.closeSession('none'), view.closeSession(options.identity.sessionId), view.closeUser('user-1')]).toEqual([false, true, 0]);
  expect([...view.channels()]).toEqual([]);
  hub.end();
});
