import type { Config } from '../components/config.ts';
import { type OfflineCommands, offlineCommands, remoteRoutesCommands } from '../components/offline.ts';
import { callAdmin } from '../kernel/folder/admin-client.ts';
import { createLogger } from '../kernel/observe/pino-logger.ts';
import type { CliContext } from './cli-context.ts';
import type { Ask } from './folder-command.ts';

interface FolderSession extends AsyncDisposable {
  readonly ask: Ask;
}

/** Asks the service that holds the folder; where none runs, opens the folder for this one command. */
export const onFolder =
  (config: Config, context: Pick<CliContext, 'checkpoint'>): Ask =>
  async (request) => {
    await using session = folderSession(config, context);
    return await session.ask(request);
  };

/** As `onFolder`, for the log of events: where that is on Kafka and no service holds the folder, none is needed. */
export const onEvents = (config: Config, context: Pick<CliContext, 'checkpoint'>): Ask => {
  if (config.kafka.brokers.length === 0) return onFolder(config, context);
  return async ({ dataDir, command, input }) => {
    const answer = await callAdmin(dataDir, command, input);
    if (answer.running) return answer.output;
    await using remote = remoteRoutesCommands({ config, logger: createLogger({ level: 'warn', name: 'sluice' }) });
    return await remote.commands.run(command, JSON.stringify(input));
  };
};

/** As `onFolder`, for several commands: a folder that was opened is held until disposal. All must be of one folder. */
export function folderSession(config: Config, { checkpoint }: Pick<CliContext, 'checkpoint'>): FolderSession {
  let offline: OfflineCommands | undefined;
  return {
    ask: async ({ dataDir, command, input }) => {
      if (!offline) {
        const answer = await callAdmin(dataDir, command, input);
        if (answer.running) return answer.output;
        const logger = createLogger({ level: 'warn', name: 'sluice' });
        offline = await offlineCommands({ config: { ...config, dataDir }, logger, checkpoint });
      }
      return await offline.commands.run(command, JSON.stringify(input));
    },
    [Symbol.asyncDispose]: async () => offline?.[Symbol.asyncDispose](),
  };
}
