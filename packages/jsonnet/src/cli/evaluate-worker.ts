import { parentPort, workerData } from 'node:worker_threads';
import { evaluateInput } from './evaluate-input.ts';

parentPort?.postMessage(evaluateInput(workerData));
