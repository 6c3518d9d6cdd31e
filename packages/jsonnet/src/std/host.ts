import { eager } from '../run/builtin.ts';
import { expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import type { Run, Value } from '../run/value.ts';

function external(value: Value, run: Run): Value {
  const name = expectString(value);
  const found = run.host.external(name, run);
  if (found === undefined) throw new Fault(`Undefined external variable: ${name}`);
  return found;
}

function trace(text: string, run: Run): void {
  const { site } = run;
  run.chargeCharacters(text.length);
  run.host.trace?.(`TRACE: ${site?.source?.name ?? ''}:${site?.range?.begin.line ?? 0} ${text}`);
}

/** What the host gives. */
export const host = {
  extVar: eager('x', ([name = null], run) => external(name, run)),
  native: eager('x', ([name = null], run) => run.host.native(expectString(name)) ?? null),
  trace: eager('str rest', ([text = null, rest = null], run) => {
    trace(expectString(text), run);
    return rest;
  }),
};
