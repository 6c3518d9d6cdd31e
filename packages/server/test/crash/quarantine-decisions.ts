import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { isAppError } from '../../src/kernel/errors/app-error.ts';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

const filesSchema = z.array(z.object({ file: z.string(), isDiscarding: z.boolean() }));
const pauseMs = 10;

/** Files in quarantine of a running service, in order of their keys. Rejects where the service ends meanwhile. */
export async function quarantinedFiles(dataDir: string): Promise<z.infer<typeof filesSchema>> {
  const answer = await callAdmin(dataDir, 'quarantine-list', {});
  if (!answer.running) throw new Error(`no service runs on ${dataDir}`);
  return filesSchema.parse(answer.output);
}

/** As an operator says it, whatever others said of the file meanwhile. */
export async function decide(dataDir: string, file: string, decision: 'retry' | 'discard'): Promise<void> {
  try {
    await callAdmin(dataDir, `quarantine-${decision}`, { file });
  } catch (error) {
    if (!isAppError(error) || error.code !== 'quarantinedFileNotFound') throw error;
  }
}

interface HurriedOperators {
  /** Resolves when as many decisions were answered as were asked for, or when there will be none any more. */
  readonly enough: Promise<void>;
  /** The number of decisions that were answered until the end. */
  readonly total: Promise<number>;
}

/**
 * Operators in a hurry: retry and discard files at random, some of them both at once, and leave some alone, until the service
 * ends or the signal aborts.
 */
export function decideAtRandom(
  dataDir: string,
  random: SeededRandom,
  { signal, atLeast }: { signal: AbortSignal; atLeast: number },
): HurriedOperators {
  const enough = Promise.withResolvers<void>();
  const decideOnce = async (): Promise<number> => {
    const [first] = (await quarantinedFiles(dataDir)).filter(({ isDiscarding }) => !isDiscarding && !random.oneIn(3));
    if (!first) return 0;
    const kinds = [['retry'], ['discard'], ['retry', 'discard'], ['discard', 'retry']] as const;
    const chosen = kinds[random.between(0, kinds.length - 1)] ?? [];
    await Promise.all(chosen.map((decision) => decide(dataDir, first.file, decision)));
    return 1;
  };
  const decideUntilEnd = async (): Promise<number> => {
    let decisions = 0;
    try {
      for (; !signal.aborted; await sleep(pauseMs)) {
        if (decisions >= atLeast) enough.resolve();
        decisions += await decideOnce();
      }
    } catch {
      // The service was killed.
    }
    enough.resolve();
    return decisions;
  };
  return { enough: enough.promise, total: decideUntilEnd() };
}
