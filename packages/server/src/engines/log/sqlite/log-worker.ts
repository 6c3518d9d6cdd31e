import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import type { StoreOptions, WorkerAnswer, WorkerMessage, WorkerQuestion, WorkerRequest } from './log-protocol.ts';
import { LogStore } from './log-store.ts';

function answerTo(question: WorkerQuestion, store: LogStore): WorkerAnswer {
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

/** Records are handed over, not copied. */
function transfersOf(answer: WorkerAnswer): Transferable[] {
  if (answer.type !== 'read') return [];
  return answer.answer.rows.flatMap(({ bytes }) => (bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : []));
}

function codeOf(error: unknown): ErrorCode {
  return isAppError(error) ? error.code : 'logUnavailable';
}

const port = parentPort;
if (port !== null) {
  const send = (message: WorkerMessage, transfers: Transferable[] = []): void => port.postMessage(message, transfers);
  try {
    const options: StoreOptions = workerData;
    const store = new LogStore(options);
    port.on('message', ({ id, question }: WorkerRequest) => {
      try {
        const answer = answerTo(question, store);
        send({ type: 'answer', id, answer }, transfersOf(answer));
      } catch (error) {
        const message = isAppError(error) ? error.message : `The log refuses: ${errorText(error)}.`;
        send({ type: 'failed', id, code: codeOf(error), message });
      }
      // Ends the thread; what was sent before still arrives.
      if (question.type === 'close') port.close();
    });
    send({ type: 'ready', topics: store.states() });
  } catch (error) {
    send({ type: 'unusable', code: codeOf(error), message: errorText(error) });
  }
}
