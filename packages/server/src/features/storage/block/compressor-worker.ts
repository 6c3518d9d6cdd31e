import { parentPort } from 'node:worker_threads';
import { errorText } from '../../../kernel/errors/app-error.ts';
import { giveBack } from '../../../kernel/lifecycle/give-back.ts';
import type { CompressorAnswer, CompressorQuestion } from './compressor.ts';
import { createCodec } from './create-codec.ts';
import { ownMemory } from './own-memory.ts';

parentPort?.on('message', (question: CompressorQuestion) => {
  const answer = answerTo(question);
  parentPort?.postMessage(answer, 'payload' in answer ? [answer.payload.buffer] : []);
});

function answerTo({ id, codec, level, raw }: CompressorQuestion): CompressorAnswer {
  try {
    return { id, payload: ownMemory(createCodec(codec, level).compress(raw)) };
  } catch (error) {
    return { id, error: errorText(error) };
  } finally {
    // This thread makes so little garbage otherwise that it would keep megabytes of rows for long.
    giveBack(raw);
  }
}
