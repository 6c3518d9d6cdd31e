import { z } from 'zod';
import { hourMs } from '../engines/usage/usage-store.ts';
import { verifyUsage } from '../features/channels/verify-usage.ts';
import type { AdminCommands } from '../kernel/folder/admin-commands.ts';
import type { NodeProcess } from './node.ts';
import type { UsageEngine } from './usage-engine.ts';

/** What the command line asks about usage. */
export function registerUsageCommands(
  commands: AdminCommands,
  engine: UsageEngine,
  { config, clock }: Pick<NodeProcess, 'config' | 'clock'>,
): void {
  const { keepRanges } = config.channels.usage;
  commands.register({
    name: 'usage-verify',
    input: z.object({}),
    run: async () => {
      // The hour in which ranges begin to be deleted may have lost some of them.
      const provenFromMs = keepRanges === 0 ? 0 : clock.now() - keepRanges + hourMs;
      return await verifyUsage({ store: await engine(), provenFromMs, signal: new AbortController().signal });
    },
  });
}
