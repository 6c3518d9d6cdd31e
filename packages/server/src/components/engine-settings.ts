import { z } from 'zod';
import { durationSetting } from '../kernel/config/setting-types.ts';

const minTokenLength = 16;

/** Settings of a process that uses the engines of another one, and of that one. */
export const engineSettings = z
  .object({
    socket: z
      .string()
      .default('')
      .meta({ form: 'path' })
      .describe('engine.sock in the data folder of another process: its log is used, and no folder is opened. Empty: none.'),
    token: z
      .string()
      .refine((token) => token === '' || token.length >= minTokenLength, { message: `must have at least ${minTokenLength} characters` })
      .default('')
      .meta({ secret: true })
      .describe('Who gives it may use the engine socket of a data folder. Empty: another one at each start.'),
    retry: durationSetting('30s', { min: '0s', max: '10m' }).describe(
      'For so long a process that was lost at the engine socket is looked for; then this one ends with 75.',
    ),
  })
  .refine(({ socket, token }) => socket === '' || token !== '', {
    message: 'The engine socket needs the token that its process has: set engine.token.',
    path: ['token'],
  });

export type EngineSettings = z.output<typeof engineSettings>;
