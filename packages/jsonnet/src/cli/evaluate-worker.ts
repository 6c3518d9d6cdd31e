import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

enableCompileCache();
const { evaluateInput } = await import('./evaluate-input.ts');
parentPort?.postMessage(evaluateInput(workerData));
