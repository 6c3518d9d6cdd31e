import { Client } from '@sluice/contract/client';
import { createSink, createSource, getSource, testSource } from '@sluice/contract/operations';
import { columnInputSchema } from '@sluice/contract/sink';

interface TableSink {
  readonly sinkId: string;
  readonly tableId: string;
  readonly columns: readonly object[];
}

/** The configuration API with the few words that tests, benchmarks and the demo need again and again. */
export class ApiClient extends Client {
  /** Creates an HTTP source and resolves to the URL that takes its events. */
  async createSource(sourceId: string): Promise<string> {
    await this.run(createSource, { body: { sourceId, type: 'http', name: sourceId.slice(0, 40) } });
    return this.sourceUrl(sourceId);
  }

  async sourceUrl(sourceId: string): Promise<string> {
    const { http } = await this.call(getSource, { params: { sourceId } });
    if (http === undefined) throw new Error(`the source ${sourceId} takes no HTTP`);
    return http.url;
  }

  async createTableSink(sourceId: string, sink: TableSink): Promise<void> {
    await this.run(createSink, { params: { sourceId }, body: tableSinkBody(sink) });
  }

  /** The values of the source's first table for a JSON text, which is not stored. */
  async preview(sourceId: string, text: string): Promise<readonly string[]> {
    const { tables } = await this.call(testSource, { params: { sourceId }, rawBody: { contentType: 'application/json', text } });
    return tables[0]?.rows[0]?.columns.map(({ value }) => value) ?? [];
  }
}

export const tableSinkBody = ({ sinkId, tableId, columns }: TableSink) => ({
  sinkId,
  type: 'table' as const,
  name: sinkId.slice(0, 40),
  table: { type: 'keboola' as const, tableId, mapping: { columns: columnInputSchema.array().parse(columns) } },
});
