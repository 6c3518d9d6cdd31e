import { type GivenValue, type GivenValues, inputOf } from './given-value.ts';
import { nearestName } from './nearest-name.ts';
import { envPrefix, type Setting } from './setting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What Kubernetes puts into a variable named like a service, such as `tcp://10.0.0.1:80`. */
const serviceLink = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/;
export const isServiceLink = (text: string): boolean => serviceLink.test(text);
const serviceLinkName = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** Values by the names of the settings; an empty variable counts as not set. Nothing here is a problem, at most a warning. */
export function readEnvironment(env: Environment, settings: readonly Setting[]): GivenValues {
  const values = new Map<string, GivenValue>();
  const warnings: string[] = [];
  for (const setting of settings) {
    for (const name of setting.env) {
      const text = env[name];
      if (text === undefined || text === '' || values.has(setting.key)) continue;
      if (isServiceLink(text))
        warnings.push(`Environment variable ${name} is ignored: its value is a Kubernetes service link; set enableServiceLinks: false.`);
      else values.set(setting.key, { value: inputOf(setting, text), source: `environment variable ${name}` });
    }
  }
  warnings.push(...unknownNames(env, settings));
  return { values, problems: [], warnings };
}

function unknownNames(env: Environment, settings: readonly Setting[]): string[] {
  const known = settings.flatMap((setting) => setting.env);
  return Object.keys(env)
    .filter((name) => name.startsWith(envPrefix) && !known.includes(name) && !serviceLinkName.test(name))
    .map((name) => {
      const nearest = nearestName(name, known);
      return `Environment variable ${name} is unknown and ignored${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
    });
}
