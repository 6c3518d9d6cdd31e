import type { Acknowledgement } from './order/answer-order.ts';
import type { Exchange } from './proof-load.ts';
import type { RowPlaces } from './row-places.ts';

/** The 200s of a load with the blocks that had to be durable for them: in every sink that the request had to reach, and in any other that has the row. */
export function acknowledgementsOf(exchanges: readonly Exchange[], places: RowPlaces): Acknowledgement[] {
  return exchanges
    .filter(({ answer }) => answer?.status === 200)
    .map(({ event, sourceId, sinkIds, connection, index }) => {
      const known = new Set(sinkIds.map((sinkId) => `${sourceId}/${sinkId}`));
      const found = [...places].map(([sink, rows]) => ({ sink, blocks: rows.get(event) ?? [] }));
      return {
        connection,
        index,
        sinks: found.filter(({ sink, blocks }) => blocks.length > 0 || known.has(sink)).map(({ blocks }) => blocks),
      };
    });
}
