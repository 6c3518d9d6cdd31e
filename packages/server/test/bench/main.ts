import { benchIngest } from './ingest.ts';
import { type Figure, report } from './report.ts';

/** `make bench [ONLY=id] [CHECK=1]`: measures, prints, and with CHECK=1 fails where a bar is missed. */
const benches: Readonly<Record<string, () => Promise<Figure[]>>> = {
  ingest: benchIngest,
};

const only = process.env['ONLY'];
if (only !== undefined && !Object.hasOwn(benches, only)) {
  process.stderr.write(`There is no benchmark "${only}": ONLY is one of ${Object.keys(benches).join(', ')}.\n`);
  process.exit(64);
}
let short = 0;
for (const [name, bench] of Object.entries(benches)) {
  if (only === undefined || only === name) short += report(name, await bench());
}
process.exit(process.env['CHECK'] === '1' && short > 0 ? 1 : 0);
