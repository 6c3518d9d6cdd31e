/**
 * The product's command line with somebody who has the tables open too: with each SIGUSR2 the table of sink `whole` is taken
 * away, under the name of `takenTable`, at whatever moment an import may be.
 */

import { runCli } from '../../../src/cli/main.ts';
import { DuckdbFile } from '../../../src/kernel/duckdb/duckdb-file.ts';
import { takenTable } from './taken-table.ts';

const use = DuckdbFile.prototype.use;
let database: DuckdbFile | undefined;
DuckdbFile.prototype.use = function (what, work) {
  if (/^The (import|table) /.test(what)) database = this;
  return use.call(this, what, work) as ReturnType<typeof work>;
};

let taken = 0;
process.on('SIGUSR2', () => {
  const name = takenTable(taken);
  taken += 1;
  const take = async (): Promise<void> => {
    try {
      await database?.use('The table cannot be taken', (connection) => connection.run(`ALTER TABLE "in.c-crash".whole RENAME TO ${name}`));
    } catch {
      // An import was about to change the table, or has not made it again yet.
      setTimeout(take, 1);
    }
  };
  void take();
});

process.exitCode = await runCli(process.argv.slice(2));
