import { parentPort } from 'node:worker_threads';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { CompressorAnswer, CompressorQuestion } from './compressor.ts';
import { createCodec } from './create-codec.ts';
import { ownMemory } from './own-memory.ts';

parentPort?.on('message', (question: CompressorQuestion) => {
  const answer = answerTo(question);
  // Rows go back with the payload: this thread makes so little garbage otherwise that it would keep megabytes of them for long.
  parentPort?.postMessage(answer, 'payload' in answer ? [answer.payload.buffer, answer.raw.buffer] : []);
});

function answerTo({ id, codec, level, raw }: CompressorQuestion): CompressorAnswer {
  try {
    return { id, payload: ownMemory(createCodec(codec, level).compress(raw)), raw };
  } catch (error) {
    return { id, error: errorText(error) };
  }
}
