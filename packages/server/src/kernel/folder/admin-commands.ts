import type { z } from 'zod';
import { decodeJson } from '../codec/json.ts';
import { AppError } from '../errors/app-error.ts';

interface AdminCommand<Input extends z.ZodType> {
  /** Lower-case words with dashes. */
  readonly name: string;
  readonly input: Input;
  /** The result must be JSON. */
  readonly run: (input: z.output<Input>) => Promise<unknown>;
}

/** What a running process does for the command line of its machine. */
export class AdminCommands {
  readonly #runs = new Map<string, (inputJson: string) => Promise<unknown>>();

  register<Input extends z.ZodType>({ name, input, run }: AdminCommand<Input>): void {
    this.#runs.set(name, (text) => run(decodeJson(text, { schema: input, what: `The input of ${name}`, code: 'badRequest' })));
  }

  /** Runs a command on JSON text. `endpointNotFound` where there is none of the name, `badRequest` where the input does not fit. */
  async run(name: string, inputJson: string): Promise<unknown> {
    const run = this.#runs.get(name);
    if (!run) throw new AppError('endpointNotFound', `The running service has no command "${name}"; it may be another release.`);
    return await run(inputJson);
  }
}
