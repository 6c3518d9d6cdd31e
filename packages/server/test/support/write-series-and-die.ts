/**
 * A process that writes batches of 100 records to a series in DuckDB and kills itself at a COMMIT.
 * Arguments: the configuration of the store as JSON, `beforeCommit` or `afterCommit`, and which COMMIT, from 1.
 */
import { DuckDBConnection } from '@duckdb/node-api';
import { openSeriesStore } from '../../src/engines/series/registry.ts';
import { silentLogger } from './silent-logger.ts';

const [config = '', moment, count] = process.argv.slice(2);
const never = new AbortController().signal;
const partition = { route: 'high', topicId: 'topic', partition: 0 };

const { run } = DuckDBConnection.prototype;
let commits = 0;
DuckDBConnection.prototype.run = async function (sql, values, types) {
  if (sql === 'COMMIT') commits += 1;
  const isIt = sql === 'COMMIT' && commits === Number(count);
  if (isIt && moment === 'beforeCommit') process.kill(process.pid, 'SIGKILL');
  const result = await run.call(this, sql, values, types);
  if (isIt) process.kill(process.pid, 'SIGKILL');
  return result;
};

const store = await openSeriesStore(JSON.parse(config), { log: silentLogger });
for (let from = 0; ; from += 100) {
  const points = Array.from({ length: 100 }, (_, index) => ({ offset: from + index, timeMs: from, amount: 1, amountText: '1' }));
  const repeats = { chunk: Buffer.from(`${from}`), forgetThrough: 0 };
  await store.write({ partition, from, to: from + 100, points, repeats }, never);
}
