import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Compressor } from '../../../src/features/storage/block/compressor.ts';
import { noneCodec } from '../../../src/features/storage/block/gzip-codec.ts';
import { type BlockRow, maxBlockRawBytes, PartEncoder } from '../../../src/features/storage/part-encoder.ts';
import { partNameText } from '../../../src/features/storage/part-name.ts';
import { ApiClient } from '../../support/api-client.ts';
import { startSluice } from '../../support/start-sluice.ts';
import type { Figure } from '../report.ts';
import { columnsOf, smallBody } from './bench-event.ts';
import { withoutImport } from './bench-service.ts';

const gigabyte = 1e9;
const partBytes = 250e6;

/** From the start of the process to the first durable answer, with parts in an open slice that a killed process left. */
export async function benchIngestRestart(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const gigabytes of [0, 1, 10]) {
    figures.push({
      id: `ingest-restart-${gigabytes}gb`,
      value: (await restartMs(gigabytes)) / 1000,
      unit: 's',
      ...(gigabytes === 10 && { bar: 3 }),
    });
  }
  return figures;
}

async function restartMs(gigabytes: number): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    const path = await leaveFolder(dataDir);
    const slice = await sliceFolderIn(join(dataDir, 'volumes'));
    const parts = Math.ceil((gigabytes * gigabyte) / partBytes);
    for (let index = 1; index <= parts; index += 1) await writePart(slice, index);
    const startedAt = performance.now();
    await using service = await startSluice({ dataDir, flags: [...withoutImport, '--log-level=warn'] });
    const response = await fetch(new URL(path, service.urls['source']), post);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return performance.now() - startedAt;
  } finally {
    await rm(dataDir, { recursive: true });
  }
}

const post = { method: 'POST', body: smallBody, headers: { 'Content-Type': 'application/json' } };

/** A folder with one sink and one row, as a killed process leaves it. Resolves to the source's path. */
async function leaveFolder(dataDir: string): Promise<string> {
  await using service = await startSluice({ dataDir, flags: [...withoutImport] });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('restart');
  await api.createTableSink('restart', { sinkId: 'restart', tableId: 'in.c-bench.restart', columns: columnsOf(1) });
  await fetch(url, post);
  return new URL(url).pathname;
}

async function sliceFolderIn(volumes: string): Promise<string> {
  const part = (await readdir(volumes, { recursive: true, withFileTypes: true })).find(({ name }) => name.endsWith('.csv.gz'));
  if (!part) throw new Error(`${volumes} has no part`);
  return part.parentPath;
}

/** A part of another source, made by the product's encoder; without compression, for the bytes on the disk are what counts here. */
async function writePart(folder: string, number: number): Promise<void> {
  const name = partNameText({ nodeId: 'bench', epoch: randomBytes(8).toString('hex'), number });
  await using compressor = new Compressor();
  const encoder = new PartEncoder(name, { codec: noneCodec, compressor });
  const row: BlockRow = { bytes: Buffer.from(`"${'x'.repeat(1020)}"\n`), invalidUtf8: false, nul: false, receivedAt: Date.now() };
  const rows = Array.from({ length: Math.floor(maxBlockRawBytes / row.bytes.length) }, () => row);
  await pipeline(
    async function* () {
      for (let written = 0; written < partBytes; ) {
        const block = await encoder.encode(rows);
        yield* block.buffers;
        written += block.length;
      }
    },
    createWriteStream(join(folder, `${name}.csv.gz`)),
  );
}
