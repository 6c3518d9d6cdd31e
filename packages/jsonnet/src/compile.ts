import type { ImportResolver } from './import-resolver.ts';
import { JsonnetError } from './jsonnet-error.ts';
import type { NativeFunction } from './native-function.ts';
import type { Program } from './program.ts';

export interface CompileOptions {
  /** Names the source in positions and stacks; empty or absent: positions come without it. */
  readonly name?: string;
  /** `std.thisFile`, and what the resolver gets as `from`; empty for a snippet. */
  readonly path?: string;
  /** Host functions, seen as global variables of that name and through `std.native(name)`. */
  readonly natives?: Readonly<Record<string, NativeFunction>>;
  /** Without it every import is the error `imports are not enabled`. */
  readonly imports?: ImportResolver;
}

/** Compiles a source; throws JsonnetError of kind `lex`, `parse` or `static`. */
export function compile(source: string, options: CompileOptions = {}): Program {
  throw new JsonnetError(`not built yet: ${options.name ?? ''}${source.length}`, { kind: 'static' });
}
