import { expect, it } from 'vitest';
import { EventBook } from './event-book.ts';

const none = { lost: [], destroyed: [], doubled: [], phantom: [] };

/** Event 0 is acknowledged, 1 refused, 2 without an answer. */
function book(): EventBook {
  const events = new EventBook();
  events.acknowledge(events.send());
  events.refuse(events.send());
  events.send();
  return events;
}

it.each([
  { name: 'acknowledged events only', present: [0], difference: none },
  { name: 'an event without an answer', present: [2, 0], difference: none },
  { name: 'not an acknowledged event', present: [2], difference: { ...none, lost: [0] } },
  { name: 'events twice', present: [0, 2, 2, 0], difference: { ...none, doubled: [0, 2] } },
  { name: 'a refused event', present: [0, 1], difference: { ...none, phantom: [1] } },
  { name: 'an event that was never sent', present: [0, 3], difference: { ...none, phantom: [3] } },
])('compares a table that has $name', ({ present, difference }) => {
  expect(book().compare('table', present)).toEqual(difference);
});

it('excuses missing events of a table whose bytes were destroyed, and of no other table', () => {
  const events = book();
  events.spoil('damaged', { events: [0, 2], traceless: false });
  expect(events.compare('damaged', [])).toEqual({ ...none, destroyed: [0] });
  expect(events.compare('other', [])).toEqual({ ...none, lost: [0] });
});
