import type { Run, Value } from '../run/value.ts';
export function format(_f: string, _v: Value, _run: Run): string {
  return '';
}
