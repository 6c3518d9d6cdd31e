import { parentPort, workerData } from 'node:worker_threads';
import { errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import { openUsageDatabase } from './usage-database.ts';
import type {
  UsageAnswer,
  UsageCallName,
  UsageHandlers,
  UsageQuestion,
  UsageRequest,
  UsageWorkerMessage,
  UsageWorkerOptions,
} from './usage-protocol.ts';

function answerTo<Name extends UsageCallName>(handlers: UsageHandlers, { name, input }: UsageQuestion<Name>): UsageAnswer<Name> {
  return { name, output: handlers[name](input) };
}

const port = parentPort;
if (port !== null) {
  const send = (message: UsageWorkerMessage): void => port.postMessage(message);
  try {
    const options: UsageWorkerOptions = workerData;
    const handlers = openUsageDatabase(options);
    port.on('message', ({ id, question }: UsageRequest) => {
      try {
        send({ type: 'answer', id, answer: answerTo(handlers, question) });
      } catch (error) {
        const code = isAppError(error) ? error.code : 'usageUnavailable';
        send({ type: 'failed', id, code, message: `The usage file refuses: ${errorText(error)}.` });
      }
      // Ends the thread; what was sent before still arrives.
      if (question.name === 'close') port.close();
    });
    send({ type: 'ready' });
  } catch (error) {
    send({ type: 'unusable', message: errorText(error) });
  }
}
