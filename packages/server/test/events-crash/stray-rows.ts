import type { RoutesHistory } from '../../src/features/events/routes-history.ts';
import { storeOf } from '../support/lane/logged-events.ts';
import type { PlacedEvent } from '../support/lane/placed-event.ts';

/** A sentence for each row that is in another store than the routes say that held at its place in the log. */
export function strayRows(stores: Readonly<Record<string, readonly PlacedEvent[]>>, routes: RoutesHistory): readonly string[] {
  return Object.entries(stores).flatMap(([store, events]) =>
    events
      .filter((event) => storeOf(event, routes) !== store)
      .map((event) => `stray: ${JSON.stringify(event)} is in ${store} and belongs to ${storeOf(event, routes)}`),
  );
}
