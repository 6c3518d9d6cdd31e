import { readFile } from 'node:fs/promises';
import { ApiError } from '../packages/contract/src/client-errors.ts';
import { getSink, getSource, listSources } from '../packages/contract/src/operations.ts';
import { callAdmin } from '../packages/server/src/kernel/folder/admin-client.ts';
import { writeFileDurably } from '../packages/server/src/kernel/folder/durable-file.ts';
import { ApiClient } from '../packages/server/test/support/api-client.ts';

const sourceId = 'demo';

const path = (name: string, from: string, defaultValue: string) => ({ type: 'path', name, path: from, defaultValue, rawString: true });

/** Takes any JSON object; the columns fit the event of the README. */
const demoSink = {
  sinkId: 'demo',
  tableId: 'in.c-demo.events',
  columns: [
    { type: 'uuid', name: 'id' },
    { type: 'datetime', name: 'received_at' },
    { type: 'ip', name: 'client_ip' },
    path('event', 'event', ''),
    path('user_name', 'user.name', ''),
    path('amount', 'amount', '0'),
    { type: 'body', name: 'body' },
  ],
};

interface TokenPlace {
  readonly apiUrl: string;
  readonly dataDir: string;
  readonly tokenFile: string;
  /** Of the first start in the folder. */
  readonly firstToken: string | undefined;
}

/** The admin token of the token file; a new one where the file is missing or its token is not known any more. */
export async function keepToken({ apiUrl, dataDir, tokenFile, firstToken }: TokenPlace): Promise<string> {
  const kept = firstToken ?? (await readFile(tokenFile, 'utf8').catch(() => '')).trim();
  const isGood = kept !== '' && (await isAnswered(new ApiClient({ apiUrl, token: kept }).call(listSources), 401));
  const token = isGood ? kept : await createToken(dataDir);
  if (token !== kept || firstToken !== undefined) await writeFileDurably(tokenFile, `${token}\n`);
  return token;
}

async function createToken(dataDir: string): Promise<string> {
  const answer = await callAdmin(dataDir, 'token-create', { role: 'admin', projectId: 1, branchId: 1, description: 'of make run' });
  if (!answer.running) throw new Error(`no service runs on ${dataDir}`);
  return (answer.output as { token: string }).token;
}

/** Creates the source `demo` with the table `in.c-demo.events` where they are missing. Resolves to the URL that takes events. */
export async function ensureDemoTable({ apiUrl, token }: { readonly apiUrl: string; readonly token: string }): Promise<string> {
  const api = new ApiClient({ apiUrl, token });
  const { sinkId } = demoSink;
  if (!(await isAnswered(api.call(getSource, { params: { sourceId } }), 404))) await api.createSource(sourceId);
  if (!(await isAnswered(api.call(getSink, { params: { sourceId, sinkId } }), 404))) await api.createTableSink(sourceId, demoSink);
  return api.sourceUrl(sourceId);
}

/** False where the answer is this refusal. */
async function isAnswered(call: Promise<unknown>, refusal: 401 | 404): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === refusal) return false;
    throw error;
  }
}
