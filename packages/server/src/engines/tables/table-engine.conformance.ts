import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportObject, TableEngine, TableImport, TableName } from './table-engine.ts';

/** One engine of an adapter with empty projects `1` and `2`. */
export interface TablesHarness extends AsyncDisposable {
  readonly engine: TableEngine;
  /** Closes the engine and opens the same data again. */
  reopen(): Promise<void>;
  /** Puts an object into the store that the engine reads. */
  stage(key: string, content: Uint8Array): Promise<void>;
  unstage(key: string): Promise<void>;
  /** All rows of the columns in no particular order; null where the engine holds no text. */
  read(table: TableName, columns: readonly string[]): Promise<(string | null)[][]>;
}

const maxRowBytes = 1536 * 1024;
const never = new AbortController().signal;
const table: TableName = { project: '1', schema: 'in.c-bucket', name: 'events' };

/** The contract of `TableEngine`. */
export function describeTableEngine(name: string, open: () => Promise<TablesHarness>): void {
  describe(`${name}: table engine`, () => {
    let harness: TablesHarness;
    let count = 0;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });
    /** Stages the contents and describes their import. */
    const prepare = async (
      contents: readonly Uint8Array[],
      given: Partial<TableImport> & { readonly rows: number },
    ): Promise<TableImport> => {
      const objects: ImportObject[] = [];
      for (const content of contents) {
        count += 1;
        const codec = content[0] === 0x1f ? 'gzip' : 'zstd';
        objects.push({ key: `slices/${count}.csv.${codec === 'gzip' ? 'gz' : 'zst'}`, codec });
        await harness.stage(objects[objects.length - 1]!.key, content);
      }
      return { importId: `import-${count}`, table, columns: ['a', 'b'], checksum: 'c0', maxRowBytes, objects, ...given };
    };
    const importAll = async (contents: readonly Uint8Array[], given: Partial<TableImport> & { readonly rows: number }) =>
      harness.engine.importFile(await prepare(contents, given), never);
    const rowsOf = async (of: TableName = table, columns: readonly string[] = ['a', 'b']) =>
      (await harness.read(of, columns)).toSorted(compareRows);

    describe('dropTable', () => {
      it('drops a schema with its last table, and may be repeated', async () => {
        const second = { ...table, name: 'second' };
        // Equal but for case: there is room for it once the schema is gone.
        const upper = { ...table, schema: table.schema.toUpperCase() };
        for (const each of [table, second]) await harness.engine.ensureTable(each, ['a']);
        for (let repeat = 0; repeat < 2; repeat += 1) await harness.engine.dropTable(table);
        await expect(harness.read(table, ['a'])).rejects.toThrow();
        expect(await harness.read(second, ['a'])).toEqual([]);
        await expect(harness.engine.ensureTable(upper, ['a'])).rejects.toMatchObject({ code: 'tableMismatch' });
        for (let repeat = 0; repeat < 2; repeat += 1) await harness.engine.dropTable(second);
        await harness.engine.ensureTable(upper, ['a']);
        expect(await harness.read(upper, ['a'])).toEqual([]);
      });

      it('takes a table that never was, of a project without tables', async () => {
        await harness.engine.dropTable({ ...table, project: '2' });
      });
    });

    describe('ensureTable', () => {
      it('creates the table, adds columns, never drops any, and may be repeated', async () => {
        await harness.engine.ensureTable(table, ['a', 'b']);
        await harness.engine.ensureTable(table, ['a', 'b']);
        await importAll([gzip([['1', '2']])], { rows: 1 });
        await harness.engine.ensureTable(table, ['c', 'a']);
        expect(await rowsOf(table, ['a', 'b', 'c'])).toEqual([['1', '2', null]]);
      });

      it('takes names with dots, quotes, spaces and words of SQL', async () => {
        const odd: TableName = { project: '1', schema: `in.c-"o'dd" schema`, name: 'select.from "x"' };
        const columns = [`it's "quoted".x`, 'order', ' ', 'sloupec ž', '1'];
        await harness.engine.ensureTable(odd, columns);
        await importAll([gzip([['1', '2', '3', '4', '5']])], { rows: 1, table: odd, columns });
        expect(await rowsOf(odd, columns)).toEqual([['1', '2', '3', '4', '5']]);
      });

      it('takes schemas that are named as the project or as a place of the engine', async () => {
        for (const schema of ['1', 'temp', 'main']) {
          const named = { ...table, schema };
          await harness.engine.ensureTable(named, ['a', 'b']);
          await importAll([gzip([['1', schema]])], { rows: 1, table: named });
          expect(await rowsOf(named)).toEqual([['1', schema]]);
        }
      });

      it('refuses names that are equal but for case', async () => {
        const mismatch = { code: 'tableMismatch', message: expect.stringContaining('equal') };
        await expect(harness.engine.ensureTable(table, ['Id', 'id'])).rejects.toMatchObject(mismatch);
        await harness.engine.ensureTable(table, ['Id']);
        await expect(harness.engine.ensureTable(table, ['other', 'id'])).rejects.toMatchObject(mismatch);
        await expect(harness.engine.ensureTable({ ...table, name: 'Events' }, ['Id'])).rejects.toMatchObject(mismatch);
        await expect(harness.engine.ensureTable({ ...table, schema: 'IN.c-bucket' }, ['Id'])).rejects.toMatchObject(mismatch);
        await expect(harness.engine.ensureTable(table, [])).rejects.toMatchObject({ code: 'tableMismatch' });
        // What was refused left nothing behind.
        await expect(harness.read(table, ['other'])).rejects.toThrow();
      });
    });

    describe('values', () => {
      it('keeps every character', async () => {
        const bytes = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code)).filter(
          (text) => text !== '\0' || harness.engine.capabilities.nulInText,
        );
        const rows = [...bytes, '\u{d7ff}', '\u{e000}', '\u{feff}', '\u{ffff}', '\u{10ffff}'].map((text, index) => [String(index), text]);
        // Alone, in the middle, and doubled at the edges of a value.
        const all = rows.flatMap(([id, text]) => [
          [`${id}:a`, text!],
          [`${id}:b`, `x${text}y`],
          [`${id}:c`, `${text}${text}x${text}${text}`],
        ]);
        await importAll([gzip(all)], { rows: all.length });
        expect(await rowsOf()).toEqual(all.toSorted(compareRows));
      });

      it('keeps empty text as empty text, and words that elsewhere mean nothing', async () => {
        const rows = [
          ['', ''],
          ['NULL', '\\N'],
          ['null', 'nan'],
          [' ', ' padded '],
          ['"', '""'],
          ['\r', '\r\n'],
          ['\n', '\n\n'],
          ['#comment', '//'],
          [',', ',,'],
        ];
        await importAll([gzip(rows)], { rows: rows.length });
        expect(await rowsOf()).toEqual(rows.toSorted(compareRows));
      });

      it('keeps rows of one column, also empty ones', async () => {
        await importAll([gzip([[''], [''], ['x']])], { rows: 3, columns: ['a'] });
        expect(await rowsOf(table, ['a'])).toEqual([[''], [''], ['x']]);
      });

      it('keeps any rows, in any member and object', async () => {
        const text = fc.string({
          unit: fc.oneof(
            fc.constantFrom('"', ',', '\n', '\r', '\r\n', '\\', "'", ' ', '\t', 'a', '0'),
            fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
          ),
          maxLength: 12,
        });
        const objects = fc.array(fc.array(fc.array(fc.tuple(text, text), { maxLength: 5 }), { minLength: 1, maxLength: 3 }), {
          minLength: 1,
          maxLength: 3,
        });
        await fc.assert(
          fc.asyncProperty(objects, fc.boolean(), async (contents, zstd) => {
            const rows = contents.flat(2);
            await importAll(
              contents.map((members) => Buffer.concat(members.map((member) => (zstd ? zstdCompressSync(csv(member)) : gzip(member))))),
              { rows: rows.length },
            );
            expect(await rowsOf()).toEqual(rows.toSorted(compareRows));
            await harness.engine.dropTable(table);
          }),
          { numRuns: 20 },
        );
      });

      it('keeps separators, quotes and line ends at every offset of a reader’s buffer', async () => {
        // 37 and the powers of two have no common factor, so the special characters meet every edge.
        const special = ['",\n"', '\r\n', ',"","",', '\n\n'];
        const rows = Array.from({ length: 60_000 }, (_, index) => [`${index}`, `${'x'.repeat(index % 37)}${special[index % 4]}`]);
        await importAll([gzip(rows.slice(0, 20_000)), gzip(rows.slice(20_000))], { rows: rows.length });
        expect(await rowsOf()).toEqual(rows.toSorted(compareRows));
      }, 60_000);

      it('does not take long values that look like rows for rows', async () => {
        const looks = ['",\n"', '"1","2"\n', '\n"', '""\n', ',\r\n'];
        const rows = Array.from({ length: 30 }, (_, index) => {
          const text = looks[index % looks.length]!;
          return [`${index}`, text.repeat(Math.floor(700_000 / csv([[text]]).length) + index)];
        });
        await importAll([gzip(rows)], { rows: rows.length });
        const read = new Map((await rowsOf()).map(([id, text]) => [id, text]));
        expect(rows.filter(([id, text]) => read.get(id!) !== text)).toEqual([]);
      }, 60_000);

      it('takes rows at the limit, plain and all quotes', async () => {
        const overhead = '"1","",\n'.length - 1;
        const rows = [
          ['1', 'x'.repeat(maxRowBytes - overhead)],
          ['2', '"'.repeat(Math.floor((maxRowBytes - overhead) / 2))],
          ['3', '\n'.repeat(maxRowBytes - overhead)],
          ['4', 'short'],
        ];
        await importAll([gzip(rows), gzip(rows)], { rows: 8 });
        const read = await rowsOf();
        expect(read.map(([id, text]) => [id, text?.length])).toEqual(
          rows.flatMap(([id, text]) => [
            [id, text!.length],
            [id, text!.length],
          ]),
        );
        expect(read[0]?.[1] === rows[0]![1] && read[2]?.[1] === rows[1]![1] && read[4]?.[1] === rows[2]![1]).toBe(true);
      }, 60_000);

      it('reads members with extra fields, and members without content', async () => {
        const members = Array.from({ length: 500 }, (_, index) => withExtraField(gzip([[String(index), 'x']])));
        const sidecar = withExtraField(gzip([]));
        await importAll([Buffer.concat([sidecar, ...members, sidecar])], { rows: 500 });
        expect(await rowsOf()).toHaveLength(500);
      });

      it('reads a file to its end wherever its members end: a reader may have its last 32 kB in one buffer', async () => {
        for (const behindFirst of [32_759, 32_760, 32_761, 65_528]) {
          const sizes = [5000, 9000, 8000, 7000, behindFirst - 24_000];
          const members = sizes.map((size, index) => gzipOfLength(String(index), size));
          const given = { rows: sizes.length, table: { ...table, name: `ends_${behindFirst}` } };
          const outcome = await importAll([Buffer.concat(members)], given);
          expect(outcome, `${behindFirst} bytes`).toMatchObject({ outcome: 'imported', rows: sizes.length });
        }
      });

      it('reads frames behind skippable frames, and frames and skippable frames without content', async () => {
        const frames = Array.from({ length: 500 }, (_, index) => behindSkippableFrame(zstdCompressSync(csv([[String(index), 'x']]))));
        const long = behindSkippableFrame(
          zstdCompressSync(csv(Array.from({ length: 20_000 }, (_, index) => [String(index), 'y'.repeat(30)]))),
        );
        const sidecar = behindSkippableFrame(zstdCompressSync(''));
        const bare = behindSkippableFrame(Buffer.alloc(0));
        await importAll([Buffer.concat([sidecar, ...frames, bare, long, long, sidecar, bare])], { rows: 40_500 });
        expect(await rowsOf()).toHaveLength(40_500);
      });

      it('reads many small objects of both codecs', async () => {
        const contents = Array.from({ length: 300 }, (_, index) =>
          index % 2 === 0 ? gzip([[`${index}`, '']]) : zstdCompressSync(csv([[`${index}`, '']])),
        );
        await importAll(contents, { rows: 300 });
        expect(new Set((await rowsOf()).map(([id]) => id)).size).toBe(300);
      });
    });

    describe('importFile', () => {
      it('imports an id once, also after a new opening, and says what it counted', async () => {
        const file = await prepare(
          [
            gzip([
              ['1', '2'],
              ['3', '4'],
            ]),
          ],
          { rows: 2 },
        );
        expect(await harness.engine.importFile(file, never)).toEqual({ outcome: 'imported', rows: 2 });
        expect(await harness.engine.importFile(file, never)).toEqual({ outcome: 'repeated', rows: 2 });
        await harness.reopen();
        // A repeat does not read the objects: they may be gone.
        await harness.unstage(file.objects[0]!.key);
        expect(await harness.engine.importFile(file, never)).toEqual({ outcome: 'repeated', rows: 2 });
        expect(await rowsOf()).toHaveLength(2);
      });

      it('lets one of concurrent importers of an id import', async () => {
        const file = await prepare([gzip([['1', '2']])], { rows: 1 });
        const outcomes = await Promise.all(Array.from({ length: 10 }, () => harness.engine.importFile(file, never)));
        expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['imported', ...Array.from({ length: 9 }, () => 'repeated')]);
        expect(await rowsOf()).toHaveLength(1);
      });

      it('refuses an id with other values, and imports it again when it was forgotten', async () => {
        const file = await prepare([gzip([['1', '2']])], { rows: 1 });
        await harness.engine.importFile(file, never);
        for (const other of [{ rows: 2 }, { checksum: 'c1' }]) {
          await expect(harness.engine.importFile({ ...file, ...other }, never)).rejects.toMatchObject({ code: 'importMismatch' });
        }
        await harness.engine.forgetImport('1', file.importId);
        await harness.engine.forgetImport('1', file.importId);
        expect(await harness.engine.importFile(file, never)).toMatchObject({ outcome: 'imported' });
        expect(await rowsOf()).toHaveLength(2);
      });

      it('imports nothing under a burnt id, however often and when it is burnt', async () => {
        const file = await prepare([gzip([['1', '2']])], { rows: 1 });
        expect(await harness.engine.burnImport(file)).toEqual({ outcome: 'burnt' });
        expect(await harness.engine.burnImport(file)).toEqual({ outcome: 'burnt' });
        await harness.reopen();
        expect(await harness.engine.burnImport(file)).toEqual({ outcome: 'burnt' });
        await expect(harness.engine.importFile(file, never)).rejects.toMatchObject({ code: 'importMismatch' });
        await harness.engine.ensureTable(table, ['a', 'b']);
        expect(await rowsOf()).toEqual([]);
      });

      it('does not burn an id whose import is done, and lets either the burning or the import happen', async () => {
        const done = await prepare([gzip([['1', '2']])], { rows: 1 });
        await harness.engine.importFile(done, never);
        expect(await harness.engine.burnImport(done)).toEqual({ outcome: 'imported', rows: 1 });
        expect(await harness.engine.importFile(done, never)).toEqual({ outcome: 'repeated', rows: 1 });
        // Under other values the file itself was not imported, and cannot be any more.
        expect(await harness.engine.burnImport({ ...done, checksum: 'c1' })).toEqual({ outcome: 'mismatch' });
        expect(await harness.engine.burnImport({ ...done, rows: 2 })).toEqual({ outcome: 'mismatch' });
        const raced = await prepare([gzip([['3', '4']])], { rows: 1 });
        const [imported, burnt] = await Promise.allSettled([harness.engine.importFile(raced, never), harness.engine.burnImport(raced)]);
        const value = imported.status === 'fulfilled' ? { outcome: 'imported', rows: 1 } : { outcome: 'burnt' };
        expect(burnt).toEqual({ status: 'fulfilled', value });
        expect(await rowsOf()).toHaveLength(imported.status === 'fulfilled' ? 2 : 1);
      });

      it('keeps projects apart that have the same tables and ids', async () => {
        const other = { ...table, project: '2' };
        const file = await prepare([gzip([['1', '2']])], { rows: 1, importId: 'same' });
        expect(await harness.engine.importFile(file, never)).toMatchObject({ outcome: 'imported' });
        expect(await harness.engine.importFile({ ...file, table: other }, never)).toMatchObject({ outcome: 'imported' });
        await harness.engine.dropTable(other);
        expect(await rowsOf()).toHaveLength(1);
        await expect(harness.read(other, ['a'])).rejects.toThrow();
        await harness.engine.dropTable(other);
      });

      it('leaves nothing of an import that is rejected', async () => {
        const good = gzip(Array.from({ length: 5000 }, (_, index) => [`${index}`, 'x']));
        const rejected = [
          { contents: [good, gzip([['only one']])], rows: 5001 },
          { contents: [good, gzip([['1', '2', '3']])], rows: 5001 },
          { contents: [good], rows: 4999 },
          { contents: [good], rows: 5001 },
          { contents: [good, Buffer.concat([Buffer.from([0x1f]), Buffer.from('no gzip')])], rows: 5001 },
          { contents: [good, gzipSync('"1","unterminated')], rows: 5001 },
        ];
        for (const { contents, rows } of rejected) {
          const file = await prepare(contents, { rows });
          await expect(harness.engine.importFile(file, never)).rejects.toMatchObject({ code: 'importRejected' });
          await expect(harness.read(table, ['a'])).rejects.toThrow();
        }
        // Its id is free for a repair.
        const file = await prepare([good], { rows: 5000, importId: `import-${count}` });
        expect(await harness.engine.importFile(file, never)).toEqual({ outcome: 'imported', rows: 5000 });
      });

      it('tells no values of a row that it rejects', async () => {
        const importing = importAll([gzipSync('"secret-value","b"\n"secret-value"\n')], { rows: 2 });
        const [outcome] = await Promise.allSettled([importing]);
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: 'importRejected', message: expect.not.stringContaining('secret-value') },
        });
      });

      it('tries again what lacks an object', async () => {
        const file = await prepare([gzip([['1', '2']]), gzip([['3', '4']])], { rows: 2 });
        await harness.unstage(file.objects[1]!.key);
        await expect(harness.engine.importFile(file, never)).rejects.toMatchObject({ code: 'tablesUnavailable', disposition: 'retry' });
        await harness.stage(file.objects[1]!.key, gzip([['3', '4']]));
        expect(await harness.engine.importFile(file, never)).toEqual({ outcome: 'imported', rows: 2 });
      });

      it('refuses columns that clash, without an entry in the ledger', async () => {
        await harness.engine.ensureTable(table, ['A']);
        const file = await prepare([gzip([['1', '2']])], { rows: 1 });
        await expect(harness.engine.importFile(file, never)).rejects.toMatchObject({ code: 'tableMismatch' });
        await harness.engine.dropTable(table);
        expect(await harness.engine.importFile(file, never)).toMatchObject({ outcome: 'imported' });
      });

      it('leaves nothing when its signal aborts', async () => {
        const file = await prepare([gzip(Array.from({ length: 200_000 }, (_, index) => [`${index}`, 'x'.repeat(50)]))], { rows: 200_000 });
        await expect(harness.engine.importFile(file, AbortSignal.abort(new Error('early')))).rejects.toThrow('early');
        const abort = new AbortController();
        const importing = Promise.allSettled([harness.engine.importFile(file, abort.signal)]);
        setTimeout(() => abort.abort(new Error('enough')), 30);
        expect(await importing).toMatchObject([{ status: 'rejected', reason: { message: 'enough' } }]);
        await expect(harness.read(table, ['a'])).rejects.toThrow();
        expect(await harness.engine.importFile(file, never)).toMatchObject({ outcome: 'imported' });
      });

      it('takes an import of no rows', async () => {
        expect(await importAll([gzip([])], { rows: 0 })).toEqual({ outcome: 'imported', rows: 0 });
        expect(await rowsOf()).toEqual([]);
      });
    });

    it('answers a probe, before and after its first import', async () => {
      await harness.engine.probe();
      await importAll([gzip([['1', '2']])], { rows: 1 });
      await harness.engine.probe();
    });
  });
}

type Row = readonly (string | null)[];

function compareRows(left: Row, right: Row): number {
  const a = JSON.stringify(left);
  const b = JSON.stringify(right);
  return a < b ? -1 : Number(a > b);
}

/** Rows as the mapping renders them: every field quoted. */
export function csv(rows: readonly (readonly string[])[]): Buffer {
  return Buffer.from(rows.map((row) => `${row.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')}\n`).join(''));
}

export function gzip(rows: readonly (readonly string[])[]): Buffer {
  return gzipSync(csv(rows), { level: 1 });
}

/** The frame with a skippable frame of 68 bytes before it. */
function behindSkippableFrame(frame: Buffer): Buffer {
  const skippable = Buffer.alloc(8 + 68, 7);
  skippable.writeUInt32LE(0x18_4d_2a_53, 0);
  skippable.writeUInt32LE(68, 4);
  return Buffer.concat([skippable, frame]);
}

/** The member with a FEXTRA subfield `SL` of 40 bytes. */
/** A member of one row that takes so many bytes. */
function gzipOfLength(id: string, length: number): Buffer {
  const overhead = gzipSync(csv([[id, 'x'.repeat(1000)]]), { level: 0 }).length - 1000;
  return gzipSync(csv([[id, 'x'.repeat(length - overhead)]]), { level: 0 });
}

function withExtraField(member: Buffer): Buffer {
  const header = Buffer.from(member.subarray(0, 10));
  header[3] = 4;
  const extra = Buffer.alloc(2 + 4 + 40, 7);
  extra.writeUInt16LE(44, 0);
  extra.write('SL', 2);
  extra.writeUInt16LE(40, 4);
  return Buffer.concat([header, extra, member.subarray(10)]);
}
