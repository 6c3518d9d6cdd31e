import { type ComponentName, componentNames, serviceComponents } from '../components/component-names.ts';
import { type Config, configSchema } from '../components/config.ts';
import { originalNames } from '../components/original-names.ts';
import { type ReadyReport, runService } from '../components/service.ts';
import { helpText } from '../kernel/config/help-text.ts';
import { loadConfig } from '../kernel/config/load-config.ts';
import { didYouMean, nearestName } from '../kernel/config/nearest-name.ts';
import { ignoredOriginalNames, readOriginalNames } from '../kernel/config/original-names.ts';
import { describeConfig } from '../kernel/config/setting.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import { listenForStopSignals } from '../kernel/lifecycle/signals.ts';
import { createLogger } from '../kernel/observe/pino-logger.ts';
import type { CliContext } from './cli-context.ts';
import { commandNames } from './command-names.ts';
import { version } from './version.ts';

export async function runComponents(argv: readonly string[], context: CliContext): Promise<number> {
  if (argv.includes('--version')) {
    context.out(`${version}\n`);
    return 0;
  }
  if (argv.length === 0 || argv.includes('--help') || argv.includes('-h')) {
    context.out(usage());
    return argv.length === 0 ? 64 : 0;
  }
  const { loaded, components, warnings } = loadComponents(argv, context);
  const config = withPortBase(loaded);
  const logger = createLogger({ level: config.log.level, name: 'sluice' });
  for (const warning of warnings) logger.warn({}, warning);
  using signals = listenForStopSignals(process, () => process.exit(1));
  const code = await runService({
    components,
    config,
    logger,
    checkpoint: context.checkpoint,
    stop: signals.signal,
    onReady: (report) => announce(report, { config, context }),
  });
  // What did not stop by the deadline must not keep the process alive.
  process.exit(code);
}

/** The names that a component had elsewhere hold where it is the only one. */
function loadComponents(argv: readonly string[], { env, readFile }: CliContext) {
  const settings = describeConfig(configSchema);
  const named = argv.filter((argument) => argument === 'all' || componentNames.some((name) => name === argument));
  const alone = named.length === 1 ? componentNames.find((name) => name === named[0]) : undefined;
  const originals = readOriginalNames({ originals: (alone && originalNames[alone]) ?? [], settings, env, flags: argv });
  const { config: loaded, warnings, positionals } = loadConfig({ schema: configSchema, flags: originals.rest, env, readFile, originals });
  const components = namedComponents(positionals);
  const ofAll = alone ? [] : [...components].flatMap((name) => originalNames[name] ?? []);
  return { loaded, components, warnings: [...warnings, ...ignoredOriginalNames(ofAll, env, settings)] };
}

function namedComponents(names: readonly string[]): ReadonlySet<ComponentName> {
  if (names.length === 0) throw new AppError('configInvalid', `Name at least one component: ${componentNames.join(', ')}, or all.`);
  const chosen = new Set<ComponentName>();
  for (const name of names) {
    const known = componentNames.find((component) => component === name);
    if (name === 'all') for (const component of serviceComponents) chosen.add(component);
    else if (known) chosen.add(known);
    else throw new AppError('configInvalid', `"${name}" is no component or command: ${suggestion(name)}`);
  }
  return chosen;
}

function suggestion(name: string): string {
  const nearest = nearestName(name, [...componentNames, 'all', ...commandNames]);
  return didYouMean(nearest, `the components are ${componentNames.join(', ')}, or all.`);
}

/** Ports in the order of the listeners: api, http-source, operations, event-api, consumer-high, consumer-low, aggregator, channels, channels-tcp. */
function withPortBase(config: Config): Config {
  const base = config.portBase;
  if (base === 0) return config;
  const { channels } = config;
  const { consumer, aggregator } = config.events;
  const at = (host: string, index: number) => ({ host, port: base + index });
  return {
    ...config,
    api: { ...config.api, listen: at(config.api.listen.host, 0) },
    source: { ...config.source, http: { ...config.source.http, listen: at(config.source.http.listen.host, 1) } },
    operations: { listen: at(config.operations.listen.host, 2) },
    events: {
      ...config.events,
      api: { ...config.events.api, listen: at(config.events.api.listen.host, 3) },
      consumer: {
        ...consumer,
        high: { ...consumer.high, listen: at(consumer.high.listen.host, 4) },
        low: { ...consumer.low, listen: at(consumer.low.listen.host, 5) },
      },
      aggregator: { ...aggregator, listen: at(aggregator.listen.host, 6) },
    },
    channels: {
      ...channels,
      listen: at(channels.listen.host, 7),
      stream: { ...channels.stream, listen: at(channels.stream.listen.host, 8) },
    },
  };
}

function announce(report: ReadyReport, { config, context }: { config: Config; context: CliContext }): void {
  if (config.readyLine) {
    context.out(`${JSON.stringify(report)}\n`);
    return;
  }
  for (const [name, url] of Object.entries(report.urls)) if (name !== 'source') context.err(`${name.padEnd(12)} ${url}\n`);
  if (report.token !== undefined)
    context.err(`admin token  ${report.token}  (shown once: keep it, or make another by \`sluice token create\`)\n`);
}

function usage(): string {
  return `sluice ${version}

usage: sluice <component...> [settings]    run components in this process
       sluice <command> --help             one of: ${[...commandNames].join(', ')}

components: ${componentNames.join(', ')}
            all: ${serviceComponents.join(', ')}, on embedded engines

Settings, each also as environment variable and in a YAML file (--config-file):

${helpText(configSchema)}
`;
}
