/** A process that answers questions to the port `echo` at the engine socket of a folder. Arguments: the folder and the token. */
import { servePorts } from './serve-ports.ts';

const [folder = '', token = ''] = process.argv.slice(2);
const { path } = await servePorts(folder, {
  token,
  ports: {
    echo: async () => ({ answer: async (question) => ({ answer: question }), [Symbol.asyncDispose]: () => Promise.resolve() }),
  },
});
process.stdout.write(`${path}\n`);
