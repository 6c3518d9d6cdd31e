import type { Config } from '../components/config.ts';
import { offlineCommands } from '../components/offline.ts';
import { callAdmin } from '../kernel/folder/admin-client.ts';
import { createLogger } from '../kernel/observe/pino-logger.ts';
import type { CliContext } from './cli-context.ts';
import type { Ask } from './folder-command.ts';

/** Asks the service that holds the folder; where none runs, opens the folder for this one command. */
export const onFolder =
  (config: Config, { checkpoint }: Pick<CliContext, 'checkpoint'>): Ask =>
  async ({ dataDir, command, input }) => {
    const answer = await callAdmin(dataDir, command, input);
    if (answer.running) return answer.output;
    const logger = createLogger({ level: 'warn', name: 'sluice' });
    await using offline = await offlineCommands({ config: { ...config, dataDir }, logger, checkpoint });
    return await offline.commands.run(command, JSON.stringify(input));
  };
