import { pythonWith } from './python-venv.ts';
import { runTool } from './run-tool.ts';

/** The second independent client of Kafka, on librdkafka: the one that can log in by SCRAM. */
export const confluentPython = (): Promise<string> => pythonWith('confluent-kafka-2.16.1', ['confluent-kafka==2.16.1']);

/** Runs a Python program that may import `confluent_kafka`; gives its standard output. */
export async function runConfluent(program: string, args: readonly string[]): Promise<string> {
  return runTool(await confluentPython(), ['-c', program, ...args]);
}
