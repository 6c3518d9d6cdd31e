import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { listenForStopSignals } from './signals.ts';

test('first graceful, second forced, whichever signal it is', () => {
  const source = new EventEmitter();
  let forced = 0;
  const listening = listenForStopSignals(source, () => {
    forced += 1;
  });
  expect(listening.signal.aborted).toBe(false);
  source.emit('SIGTERM');
  expect([listening.signal.aborted, forced]).toEqual([true, 0]);
  source.emit('SIGINT');
  expect(forced).toBe(1);
  listening[Symbol.dispose]();
  expect(source.eventNames()).toEqual([]);
});
