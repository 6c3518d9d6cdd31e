import { parentPort, workerData } from 'node:worker_threads';
import { errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import { systemTimer } from '../../../kernel/time/start-timer.ts';
import { LeaseDeadlines } from './lease-deadlines.ts';
import { SqliteDatabase } from './sqlite-database.ts';
import type {
  CommitOutcome,
  WorkerAnswer,
  WorkerMessage,
  WorkerOptions,
  WorkerQuestion,
  WorkerRequest,
  WriteOperation,
} from './sqlite-protocol.ts';

/** How soon the deletion of expired leases is tried again after SQLite refused it. */
const expiryRetryMs = 1000;

/** The thread that owns the database: answers questions in order and ends leases that nobody keeps alive. */
class SqliteWorker {
  readonly #database: SqliteDatabase;
  readonly #send: (message: WorkerMessage) => void;
  readonly #leases = new LeaseDeadlines();
  #cancelTimer: () => void = () => {};

  constructor(options: WorkerOptions, send: (message: WorkerMessage) => void) {
    this.#database = new SqliteDatabase(options);
    this.#send = send;
    // While nobody ran, nobody could keep a lease alive: each gets its full time again.
    for (const lease of this.#database.leases()) this.#leases.grant(lease, performance.now());
    this.#schedule();
  }

  handle({ id, question }: WorkerRequest): void {
    try {
      const answer = this.#answer(question);
      this.#send({ type: 'answer', id, answer });
    } catch (error) {
      const code = isAppError(error) ? error.code : 'metadataUnavailable';
      this.#send({
        type: 'failed',
        id,
        code,
        message: isAppError(error) ? error.message : `The metadata file refuses: ${errorText(error)}.`,
      });
    }
  }

  #answer(question: WorkerQuestion): WorkerAnswer {
    switch (question.type) {
      case 'commit':
        return { type: 'commit', outcome: this.#commit(question.operations) };
      case 'get':
        return { type: 'get', entry: this.#database.get(question.key) };
      case 'range':
        return { type: 'range', page: this.#database.range(question.query) };
      case 'count':
        return { type: 'count', count: this.#database.count(question.prefix) };
      case 'revision':
        return { type: 'revision', revision: this.#database.revision };
      case 'history':
        return { type: 'history', page: this.#database.history(question.query) };
      case 'keepAlive':
        return { type: 'keepAlive', alive: this.#leases.keepAlive(question.leaseId, performance.now()) };
      case 'close':
        this.#cancelTimer();
        this.#database[Symbol.dispose]();
        return { type: 'close' };
    }
  }

  #commit(operations: readonly WriteOperation[]): CommitOutcome {
    const outcome = this.#database.commit(operations);
    const now = performance.now();
    let leasesChanged = false;
    operations.forEach((operation, index) => {
      const result = outcome.results[index];
      if (operation.type === 'grant' && result?.type === 'granted') this.#leases.grant({ id: result.leaseId, ttlMs: operation.ttlMs }, now);
      if (operation.type === 'revoke') this.#leases.remove(operation.leaseId);
      leasesChanged ||= operation.type !== 'transact';
    });
    if (leasesChanged) this.#schedule();
    return outcome;
  }

  #expire(): void {
    const due = this.#leases.due(performance.now());
    try {
      if (due.length > 0) {
        const { batches, revision } = this.#commit(due.map((leaseId) => ({ type: 'revoke', leaseId })));
        this.#send({ type: 'expired', batches, revision });
      }
      this.#schedule();
    } catch {
      // The file refuses writes for now (a full disk); callers of transact hear why.
      this.#cancelTimer = systemTimer(expiryRetryMs, () => this.#expire());
    }
  }

  #schedule(): void {
    this.#cancelTimer();
    const delay = this.#leases.untilNext(performance.now());
    if (delay !== undefined) this.#cancelTimer = systemTimer(delay, () => this.#expire());
  }
}

const port = parentPort;
if (port !== null) {
  const send = (message: WorkerMessage): void => port.postMessage(message);
  try {
    const options: WorkerOptions = workerData;
    const worker = new SqliteWorker(options, send);
    port.on('message', (request: WorkerRequest) => {
      worker.handle(request);
      // Ends the thread; what was sent before still arrives.
      if (request.question.type === 'close') port.close();
    });
    send({ type: 'ready' });
  } catch (error) {
    send({ type: 'unusable', message: errorText(error) });
  }
}
