import { eager } from '../run/builtin.ts';
import { Fault } from '../run/fault.ts';
import type { Value } from '../run/value.ts';
export const library: ReadonlyMap<string, Value> = new Map<string, Value>([
  [
    'extVar',
    eager('x', ([x = null], run) => {
      const v = run.host.external(String(x), run);
      if (v === undefined) throw new Fault(`Undefined external variable: ${String(x)}`);
      return v;
    }),
  ],
]);
