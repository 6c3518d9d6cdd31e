import { parentPort } from 'node:worker_threads';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { CompressorAnswer } from './compressor.ts';
import { createGzipCodec } from './gzip-codec.ts';

const codec = createGzipCodec();

parentPort?.on('message', ({ id, raw }: { id: number; raw: Uint8Array }) => {
  const answer = answerTo(id, raw);
  parentPort?.postMessage(answer, 'payload' in answer ? [answer.payload.buffer] : []);
});

function answerTo(id: number, raw: Uint8Array): CompressorAnswer {
  try {
    return { id, payload: new Uint8Array(codec.compress(raw)) };
  } catch (error) {
    return { id, error: errorText(error) };
  }
}
