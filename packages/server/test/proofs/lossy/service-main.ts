/** The product's command line with a bad network between source and writer, whose fates follow from LOSS_SEED. */
import { runCli } from '../../../src/cli/main.ts';
import { LocalSliceWriter } from '../../../src/features/storage/writer/local-slice-writer.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { LossySliceWriter } from './lossy-slice-writer.ts';

const random = new SeededRandom(Number(process.env['LOSS_SEED']));
const append = LocalSliceWriter.prototype.append;
const networks = new WeakMap<LocalSliceWriter, LossySliceWriter>();
LocalSliceWriter.prototype.append = function (request) {
  const network = networks.get(this) ?? new LossySliceWriter({ append: (one) => append.call(this, one) }, random);
  networks.set(this, network);
  return network.append(request);
};

process.exitCode = await runCli(process.argv.slice(2));
