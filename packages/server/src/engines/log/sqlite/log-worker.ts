import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { answerTo, refusalOf } from './answer-question.ts';
import type { StoreOptions, WorkerAnswer, WorkerMessage, WorkerRequest } from './log-protocol.ts';
import { LogStore } from './log-store.ts';

/** Records are handed over, not copied. */
function transfersOf(answer: WorkerAnswer): Transferable[] {
  if (answer.type !== 'read') return [];
  return answer.answer.rows.flatMap(({ bytes }) => (bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : []));
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
        const { code, message } = refusalOf(error);
        send({ type: 'failed', id, code, message });
      }
      // Ends the thread; what was sent before still arrives.
      if (question.type === 'close') port.close();
    });
    send({ type: 'ready' });
  } catch (error) {
    const { code, message } = refusalOf(error);
    send({ type: 'unusable', code, message });
  }
}
