import { compileSource } from './compile/compile-source.ts';
import type { ImportResolver } from './import-resolver.ts';
import type { NativeFunction } from './native-function.ts';
import { CompiledProgram } from './program/compiled-program.ts';
import type { Program } from './program.ts';
import { Native } from './run/native.ts';

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

/**
 * Compiles a source; throws JsonnetError of kind `lex`, `parse` or `static`, and of kind `budget` for one that is nested too deep or has a
 * comprehension of more than 2,000 loops. It has no budget of steps: it takes time and memory in proportion to the source.
 */
export function compile(source: string, options: CompileOptions = {}): Program {
  const { name = '', path = '', natives: definitions = {}, imports } = options;
  const natives = new Map(Object.entries(definitions).map(([native, definition]) => [native, new Native(native, definition)]));
  return new CompiledProgram(compileSource({ name, path, text: source }, natives), { natives, imports });
}
