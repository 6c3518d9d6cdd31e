import { type ErrorBody, errorBodySchema } from './error-body.ts';
import type { TaskAnswer } from './task.ts';

/** The service answered, but not with what the operation promises. */
export class ApiError extends Error {
  readonly status: number;
  /** Absent where the answer did not come from this API: a proxy's page, for example. */
  readonly body: ErrorBody | undefined;

  constructor(
    message: string,
    { status, body, cause }: { readonly status: number; readonly body?: ErrorBody | undefined; readonly cause?: unknown },
  ) {
    super(message, { cause });
    this.name = 'ApiError';
    this.status = status;
    this.body = body;
  }

  /** @param call method and path, for the message */
  static of(call: string, { status, text }: { readonly status: number; readonly text: string }): ApiError {
    const body = bodyOf(text);
    const why = body === undefined ? text.slice(0, 200) : `${body.error}: ${body.message}`;
    return new ApiError(`${call}: ${status} ${why}`, { status, body });
  }
}

/** A task ended with an error: its text is the message. */
export class TaskError extends Error {
  readonly task: TaskAnswer;

  constructor(task: TaskAnswer) {
    super(`${task.type}: ${task.error ?? 'the task failed without a word'}`);
    this.name = 'TaskError';
    this.task = task;
  }
}

function bodyOf(text: string): ErrorBody | undefined {
  try {
    return errorBodySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
