import { parentPort } from 'node:worker_threads';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { CompressorAnswer, CompressorQuestion } from './compressor.ts';
import { createCodec } from './create-codec.ts';

parentPort?.on('message', (question: CompressorQuestion) => {
  const answer = answerTo(question);
  parentPort?.postMessage(answer, 'payload' in answer ? [answer.payload.buffer] : []);
});

function answerTo({ id, codec, level, raw }: CompressorQuestion): CompressorAnswer {
  try {
    return { id, payload: new Uint8Array(createCodec(codec, level).compress(raw)) };
  } catch (error) {
    return { id, error: errorText(error) };
  }
}
