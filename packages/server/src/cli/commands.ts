import { Command, CommanderError } from 'commander';
import { configSchema } from '../components/config.ts';
import { configJsonSchema } from '../kernel/config/config-json-schema.ts';
import { loadConfig } from '../kernel/config/load-config.ts';
import { showConfig } from '../kernel/config/show-config.ts';
import { type ExitCode, exitCodes } from '../kernel/lifecycle/exit-code.ts';
import { catSlice } from './cat-slice.ts';
import type { CliContext } from './cli-context.ts';
import { fsck } from './fsck-command.ts';
import { folderSession, onEvents, onFolder } from './on-folder.ts';
import { printQuery } from './print-query.ts';
import { printStatus } from './print-status.ts';
import { decideQuarantine, listQuarantine } from './quarantine-commands.ts';
import { replayRoutes, setRoutes, showRoutes } from './routes-commands.ts';
import { createToken, listTokens, revokeToken } from './token-commands.ts';
import { verifyUsage } from './usage-commands.ts';

/** Runs one command. Resolves to the exit code. */
export async function runCommand(argv: readonly string[], context: CliContext): Promise<number> {
  const program = new Command('sluice').exitOverride().configureOutput({ writeOut: context.out, writeErr: context.err });
  const { config } = loadConfig({ schema: configSchema, flags: [], env: context.env, readFile: context.readFile });
  const onData = (command: Command) =>
    command.option('--data-dir <folder>', 'data folder', config.dataDir).option('--json', 'print JSON for programs');
  const ask = onFolder(config, context);
  let exitCode: ExitCode = exitCodes.clean;

  const token = program.command('token').description('API tokens of the data folder');
  onData(token.command('create').description('make a token; it is shown once'))
    .option('--role <role>', 'read, admin or super', 'admin')
    .option('--project <id>', 'project id', '1')
    .option('--branch <id>', 'id of the default branch of the project', '1')
    .option('--description <text>', 'what the token is for', '')
    .action((options) => createToken({ ask, out: context.out }, options));
  onData(token.command('list').description('list tokens; secrets are not kept')).action((options) =>
    listTokens({ ask, out: context.out }, options),
  );
  onData(token.command('revoke').argument('<id>').description('end a token at once')).action((id, options) =>
    revokeToken({ ask, out: context.out }, { id, ...options }),
  );

  onData(program.command('status').description('where the rows of each sink are, and what needs attention'))
    .option('--files', 'also files that are not imported or lost rows, and their slices: `sluice cat <slice>` shows the rows of one')
    .action((options) => printStatus({ ask, out: context.out }, options));
  onData(program.command('query').argument('<sql>').description('read-only SQL on the tables of a branch'))
    .option('--project <id>', 'project id', '1')
    .option('--branch <id>', 'branch id', '1')
    .action((sql, options) => printQuery({ ask, out: context.out }, { sql, ...options }));
  onData(program.command('cat').argument('<slice>').description('the rows of a slice as CSV, from its local parts')).action(
    (slice, options) => catSlice({ ask, out: process.stdout, err: context.err }, { slice, ...options }),
  );

  const quarantine = program.command('quarantine').description('files that the table engine refuses: their rows wait for a decision');
  onData(quarantine.command('list').description('the files, each with its reason')).action((options) =>
    listQuarantine({ ask, out: context.out }, options),
  );
  onData(quarantine.command('retry').argument('<file>').description('import the file again, once its reason is mended')).action(
    (file, options) => decideQuarantine({ ask, out: context.out }, { decision: 'retry', file, ...options }),
  );
  onData(quarantine.command('discard').argument('<file>').description('give the rows of the file up for good')).action((file, options) =>
    decideQuarantine({ ask, out: context.out }, { decision: 'discard', file, ...options }),
  );

  program
    .command('fsck')
    .argument('[folder]', 'data folder, or one volume of it', config.dataDir)
    .description('check every byte of the parts against metadata; exit code 1 where something is wrong')
    .option('--repair', 'cut torn tails off, as the next start would; not while a service runs')
    .option('--adopt', 'take back from lost+found what can be taken back')
    .option('--json', 'print JSON for programs')
    .action(async (folder, options) => {
      await using session = folderSession(config, context);
      exitCode = await fsck({ ask: session.ask, out: context.out, err: context.err }, folder, options);
    });

  const askEvents = onEvents(config, context);
  const routes = program.command('routes').description('which store takes an event: the routes of the topic, in versions');
  onData(routes.command('show').description('every version, with its predicates and the first offsets where it holds')).action((options) =>
    showRoutes({ ask: askEvents, out: context.out }, options),
  );
  onData(routes.command('set').description('a new version, for events to come'))
    .option('--watermark <number>', 'the number that predicates may use')
    .option('--route <name=predicate...>', 'all routes, each with its predicate in CEL; without it they stay as they are')
    .action((options) => setRoutes({ ask: askEvents, out: context.out }, options));
  onData(routes.command('replay').description('read events again and store what the store of their route does not have any more'))
    .requiredOption('--route <name>', 'high or low')
    .requiredOption('--from <place>', 'offset of the first record, or the time of its arrival as 2026-06-24T10:00:00Z')
    .option('--partition <number>', 'this one only')
    .action((options) => replayRoutes({ ask: askEvents, out: context.out }, options));

  const usage = program.command('usage').description('what was delivered to whom');
  onData(usage.command('verify').description('add all ranges again; exit code 1 where the sums are not right')).action(async (options) => {
    exitCode = await verifyUsage({ ask, out: context.out }, options);
  });

  const configuration = program.command('config').description('the configuration');
  configuration
    .command('show')
    .description('all settings as YAML, and where each comes from; takes every setting as a flag')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      const loaded = loadConfig({ schema: configSchema, flags: argv.slice(2), env: context.env, readFile: context.readFile });
      for (const warning of loaded.warnings) context.err(`warning: ${warning}\n`);
      context.out(showConfig({ schema: configSchema, config: loaded.config, sources: loaded.sources }));
    });
  configuration
    .command('schema')
    .description('JSON schema of the YAML file')
    .action(() => context.out(`${JSON.stringify(configJsonSchema(configSchema), undefined, 2)}\n`));

  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 64;
    throw error;
  }
}
