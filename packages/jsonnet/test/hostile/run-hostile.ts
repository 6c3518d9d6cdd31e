import { compile } from '../../src/compile.ts';
import { JsonnetError } from '../../src/jsonnet-error.ts';

/** What ends the program under the usual limits; anything beside a JsonnetError goes on. */
export function runHostile(code: string): { kind: string; message: string } {
  const content = "import 'endless'";
  try {
    const text = compile(code, { imports: ({ path }) => ({ path, content }) }).toJson({ trace: () => undefined });
    return { kind: 'output', message: `${text.length} characters` };
  } catch (error) {
    if (error instanceof JsonnetError) return { kind: error.kind, message: error.message };
    throw error;
  }
}
