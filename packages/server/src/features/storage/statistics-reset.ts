import { z } from 'zod';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { parseJson } from '../../kernel/codec/json.ts';
import type { StatisticsReset } from './sink-statistics.ts';
import { figuresSchema } from './state/figures.ts';
import { statisticsResetMetadataKey } from './state/storage-keys.ts';

/** As stored under `storage/statistics-reset/<sinkKey>`. */
const resetSchema = z.object({ at: z.string(), figures: figuresSchema });

/** @param sink text of the key */
export async function readStatisticsReset(store: MetadataStore, sink: string): Promise<StatisticsReset | undefined> {
  const key = statisticsResetMetadataKey(sink);
  const entry = await store.get(key);
  return entry && parseJson(entry.value, resetSchema, key);
}
