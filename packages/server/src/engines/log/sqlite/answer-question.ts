import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { WorkerAnswer, WorkerQuestion } from './log-protocol.ts';
import type { LogStore } from './log-store.ts';

/** Throws whatever the store does; `refusalOf` says it to the asker. */
export function answerTo(question: WorkerQuestion, store: LogStore): WorkerAnswer {
  switch (question.type) {
    case 'write': {
      const appends = store.append(question.appends, question.nowMs);
      return { type: 'write', appends, commitFailure: commitFailureOf(question) };
    }
    case 'read':
      return { type: 'read', answer: store.read(question.query) };
    case 'ensureTopic':
      return { type: 'ensureTopic', state: store.ensureTopic(question.spec, question) };
    case 'deleteTopic':
      store.deleteTopic(question.topicId);
      return { type: 'deleteTopic' };
    case 'knowGroup':
      store.knowGroup(question.group, question.topicId);
      return { type: 'knowGroup' };
    case 'committed':
      return { type: 'committed', offsets: store.committed(question.group, question.topicId) };
    case 'retain':
      return { type: 'retain', trims: store.retain(question.nowMs) };
    case 'close':
      store[Symbol.dispose]();
      return { type: 'close' };
  }

  function commitFailureOf({ commits }: Extract<WorkerQuestion, { type: 'write' }>): string | undefined {
    try {
      store.commit(commits);
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }
}

export function refusalOf(error: unknown): AppError {
  return isAppError(error) ? error : new AppError('logUnavailable', `The log refuses: ${errorText(error)}.`, { cause: error });
}
