import { z } from 'zod';

/** What the service told a client of its row in one sink. */
export type RowPromise = 'stored' | 'absent' | 'unknown';

export interface Answer {
  readonly status: number;
  /** Header `X-Sluice-Stored`. */
  readonly mark: string | undefined;
  readonly body: string;
}

const bodySchema = z.object({
  sources: z.array(
    z.object({ sinks: z.array(z.object({ sinkId: z.string(), statusCode: z.int(), error: z.string().optional() })).default([]) }),
  ),
});

/** What an answer promises for each of the sinks (I5); undefined where it breaks the contract: a 5xx that says nothing. */
export function promisesOf({ status, mark, body }: Answer, sinkIds: readonly string[]): ReadonlyMap<string, RowPromise> | undefined {
  const all = (promise: RowPromise) => new Map(sinkIds.map((sinkId) => [sinkId, promise]));
  if (status === 200) return mark === undefined ? all('stored') : all('absent');
  if (status < 500) return all('absent');
  if (mark === 'none') return all('absent');
  if (mark !== 'partial' && mark !== 'unknown') return undefined;
  const parsed = bodySchema.safeParse(JSON.parse(body));
  if (!parsed.success) return mark === 'unknown' ? all('unknown') : undefined;
  const named = parsed.data.sources.flatMap(({ sinks }) => sinks);
  const isDoubtful = (error: string) => error === 'stream.in.appendInDoubt';
  return new Map(
    named.map(({ sinkId, error }) => [sinkId, error === undefined ? 'stored' : isDoubtful(error) ? 'unknown' : 'absent'] as const),
  );
}

export interface Broken {
  readonly lost: number[];
  readonly doubled: number[];
  readonly phantom: number[];
}

/** Compares the rows of one sink's table with what was promised: acknowledged exactly once, refused never, in doubt at most once. */
export function compareRows(promises: ReadonlyMap<number, RowPromise>, present: readonly number[]): Broken {
  const times = new Map<number, number>();
  for (const event of present) times.set(event, (times.get(event) ?? 0) + 1);
  return {
    lost: [...promises].flatMap(([event, promise]) => (promise === 'stored' && !times.has(event) ? [event] : [])),
    doubled: [...times].flatMap(([event, count]) => (count > 1 ? [event] : [])),
    phantom: [...times.keys()].filter((event) => (promises.get(event) ?? 'absent') === 'absent'),
  };
}
