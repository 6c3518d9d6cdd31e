import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ChannelSource } from '../features/channels/channel-source.ts';
import { AppError, errorText } from '../kernel/errors/app-error.ts';
import { systemTimer } from '../kernel/time/start-timer.ts';
import type { NodeProcess } from './node.ts';
import { urlOf } from './public-url.ts';

const maxSeed = 2 ** 32;

/** Component `channel-source`: made-up packets over TCP. `end` stops the process once its time is over. Returns its URL. */
export async function startChannelSource({ config, lifecycle, clock, ...node }: NodeProcess, end: () => void): Promise<string> {
  const { channelSource: settings } = config;
  const logger = node.logger.child({ component: 'channel-source' });
  const seed = settings.seed === 0 ? randomInt(1, maxSeed) : settings.seed;
  const source = await ChannelSource.open({
    at: settings.listen,
    settings: {
      stream: {
        channels: settings.channels,
        prefix: Buffer.from(settings.prefixHex, 'hex'),
        plan: {
          startSequence: settings.startSeq,
          reorderWindow: settings.reorderWindow,
          loss: settings.loss,
          duplicates: settings.dup,
          late: settings.late,
          lateBy: settings.lateBy,
          restartEvery: settings.restartEvery,
        },
        payload: { seed, bytes: settings.payload, input: await readInput(settings.inputTs) },
        garbage: settings.garbage,
      },
      sequences: settings.sequences,
      durationMs: settings.duration,
      rate: settings.rate,
      stallEveryMs: settings.stallEvery,
      stallMs: settings.stallFor,
      cutEvery: settings.cutEvery,
    },
    logger,
    clock,
    startTimer: systemTimer,
    onDone: end,
  });
  lifecycle.add(source);
  logger.info({ address: source.address, channels: settings.channels, rate: settings.rate, seed }, 'sending made-up packets');
  return urlOf(source.address, 'tcp');
}

async function readInput(path: string): Promise<Uint8Array | undefined> {
  if (path === '') return undefined;
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new AppError('configInvalid', `The file to send, ${path}, cannot be read: ${errorText(error)}.`, { cause: error });
  });
  if (bytes.length === 0) throw new AppError('configInvalid', `The file to send, ${path}, is empty.`);
  return bytes;
}
