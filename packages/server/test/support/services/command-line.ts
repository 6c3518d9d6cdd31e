import type { ServiceCommand } from './service-recipe.ts';

/**
 * Program and arguments that run the command as its user, with the death of this process as its own where that is wanted.
 * Both need one and the same `setpriv`: a change of the user drops what was said about the parent before.
 */
export function commandLine({ program, args, user }: ServiceCommand, diesWithParent: boolean): readonly [string, ...string[]] {
  const death = diesWithParent ? ['--pdeathsig', 'KILL'] : [];
  const identity = user === undefined ? [] : [`--reuid=${user}`, `--regid=${user}`, '--init-groups'];
  const settings = [...death, ...identity];
  return settings.length > 0 ? ['setpriv', ...settings, program, ...args] : [program, ...args];
}
