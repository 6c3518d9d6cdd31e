import { benchJsonnetHostile } from '../../../jsonnet/test/bench/hostile-bench.ts';
import { benchJsonnet } from '../../../jsonnet/test/bench/jsonnet-bench.ts';
import { benchApi } from './api/api.ts';
import { benchChannels } from './channels/channels.ts';
import { benchChannelsOrder } from './channels/order-bench.ts';
import { benchEventsApi } from './events/api.ts';
import { benchEventsConsumer } from './events/consumer.ts';
import { benchEventsEmbedded } from './events/embedded.ts';
import { benchEventsLog } from './events/log.ts';
import { benchEventsPostgres } from './events/postgres.ts';
import { benchEventsSeries } from './events/series.ts';
import {
  benchIngest,
  benchIngestBodies,
  benchIngestConnections,
  benchIngestImport,
  benchIngestTemplate,
  benchIngestWidth,
} from './ingest/ingest.ts';
import { benchIngestMemory } from './ingest/memory.ts';
import { benchIngestRestart } from './ingest/restart.ts';
import { writePerformancePage } from './performance-page.ts';
import { type Figure, report } from './report.ts';
import { benchTemplate } from './template.ts';

interface Bench {
  readonly run: () => Promise<Figure[]>;
  /** Only with LONG=1, or by its own name. */
  readonly isLong?: boolean;
}

/** `make bench [ONLY=id] [CHECK=1] [LONG=1] [REPORT=1]`: measures, prints, and with CHECK=1 fails where a bar is missed. */
const benches: Readonly<Record<string, Bench>> = {
  api: { run: benchApi },
  'channels-order': { run: benchChannelsOrder },
  channels: { run: benchChannels },
  'events-api': { run: benchEventsApi },
  'events-postgres': { run: benchEventsPostgres },
  'events-embedded': { run: benchEventsEmbedded },
  ingest: { run: benchIngest },
  'ingest-import': { run: benchIngestImport },
  'ingest-connections': { run: benchIngestConnections },
  'ingest-bodies': { run: benchIngestBodies },
  'ingest-template': { run: benchIngestTemplate },
  'ingest-width': { run: benchIngestWidth },
  'ingest-restart': { run: benchIngestRestart },
  'events-series': { run: benchEventsSeries },
  'events-log': { run: benchEventsLog },
  'events-consumer': { run: benchEventsConsumer },
  'ingest-memory': { run: benchIngestMemory, isLong: true },
  jsonnet: { run: benchJsonnet },
  'jsonnet-record': { run: benchTemplate },
  'jsonnet-hostile': { run: benchJsonnetHostile },
};

const { ONLY: only, CHECK, LONG, REPORT } = process.env;
/** A name stands for its group, too: `ingest` for all that begin with `ingest-`. */
const isChosen = (name: string): boolean => only === undefined || name === only || name.startsWith(`${only}-`);
const chosen = Object.entries(benches).filter(([name, { isLong }]) => isChosen(name) && (!isLong || LONG === '1' || name === only));
if (chosen.length === 0) {
  process.stderr.write(`There is no benchmark "${only}": ONLY is one of ${Object.keys(benches).join(', ')}.\n`);
  process.exit(64);
}
let short = 0;
for (const [name, { run }] of chosen) short += report(name, await run());
if (REPORT === '1') process.stdout.write(`${writePerformancePage()}\n`);
process.exit(CHECK === '1' && short > 0 ? 1 : 0);
