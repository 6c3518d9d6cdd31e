import type { z } from 'zod';
import { AppError, isAppError } from '../errors/app-error.ts';
import type { ErrorCode } from '../errors/error-table.ts';
import type { LinkClient } from './link-client.ts';
import type { LinkAnswer } from './link-connection.ts';

interface LinkPortOptions {
  /** Name of the port. */
  readonly port: string;
  /** Code of the error in the place of `ownerUnavailable`. */
  readonly lostCode: ErrorCode;
}

interface AskOptions {
  readonly bytes?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
}

/** The client's side of one port of a link. */
export class LinkPort<Question> {
  readonly #link: LinkClient;
  readonly #options: LinkPortOptions;

  constructor(link: LinkClient, options: LinkPortOptions) {
    this.#link = link;
    this.#options = options;
  }

  async ask(question: Question, options: AskOptions = {}): Promise<LinkAnswer> {
    const { port, lostCode } = this.#options;
    try {
      return await this.#link.ask({ port, question, ...options });
    } catch (error) {
      if (!isAppError(error, 'ownerUnavailable')) throw error;
      throw new AppError(lostCode, error.message, { cause: error });
    }
  }

  /** The answer to a question that brings no bytes. */
  async value<Schema extends z.ZodType>(question: Question, schema: Schema, options?: AskOptions): Promise<z.output<Schema>> {
    const { answer } = await this.ask(question, options);
    return schema.parse(answer);
  }
}
