import { debianProgram } from './debian-program.ts';
import { runTool } from './run-tool.ts';

/** The command line client of Kafka. Debian's cannot log in to Kafka 4 by SCRAM: for the plain listener only. */
export const kcat = (): Promise<string> => debianProgram({ program: 'kcat', packages: ['kcat'] });

/** Runs kcat to its end and gives its standard output. */
export async function runKcat(args: readonly string[], input = ''): Promise<string> {
  return runTool(await kcat(), args, { input });
}
