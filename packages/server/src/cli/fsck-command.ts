import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Adoption, adoptionSchema, type Finding, type FsckStretch, fsckStretchSchema } from '../features/storage/fsck-report.ts';
import { formatByteSize } from '../kernel/codec/byte-size.ts';
import { AppError } from '../kernel/errors/app-error.ts';
import { type ExitCode, exitCodes } from '../kernel/lifecycle/exit-code.ts';
import type { FolderTools } from './folder-command.ts';

interface FsckTools extends FolderTools {
  readonly err: (text: string) => void;
}

interface FsckOptions {
  readonly repair?: boolean;
  readonly adopt?: boolean;
  readonly json?: boolean;
}

const findingTexts: Readonly<Record<Finding['type'], string>> = {
  damagedMember: 'damaged member',
  tornTail: 'torn tail: nobody was promised it; the next start cuts it off',
  missingPart: 'missing part',
  rowsDiffer: 'other rows than were counted at sealing',
  removedSlice: 'parts of a slice whose local parts metadata calls removed',
  unknownFolder: 'unknown folder',
  unknownFile: 'unknown file',
  lostFolder: 'lost folder',
  missingVolume: 'slices stand on this volume, which is not there',
};

/** Checks a data folder, or one volume of it. 0: everything is as it should be, or was set right; 1: something is not. */
export async function fsck(
  { ask, out, err }: FsckTools,
  folder: string,
  { repair = false, adopt = false, json = false }: FsckOptions,
): Promise<ExitCode> {
  const { dataDir, volume } = findDataFolder(folder);
  const adoptions = adopt ? z.array(adoptionSchema).parse(await ask({ dataDir, command: 'fsck-adopt', input: { volume } })) : [];
  const findings: Finding[] = [];
  const sum = { slices: 0, parts: 0, bytes: 0, openSlices: 0 };
  for (let after: string | undefined, more = true; more; ) {
    const stretch: FsckStretch = fsckStretchSchema.parse(await ask({ dataDir, command: 'fsck', input: { volume, after, repair } }));
    findings.push(...stretch.findings);
    sum.slices += stretch.slices;
    sum.parts += stretch.parts;
    sum.bytes += stretch.bytes;
    sum.openSlices += stretch.openSlices;
    after = stretch.next;
    more = after !== undefined;
    if (more) err(`checked ${stretch.progress.done} of ${stretch.progress.total} slices, ${formatByteSize(sum.bytes)}\n`);
  }
  const problems = findings.filter((finding) => finding.repaired !== true).length;
  if (json) out(`${JSON.stringify({ clean: problems === 0, ...sum, findings, ...(adopt && { adoptions }) })}\n`);
  else {
    for (const adoption of adoptions) out(describeAdoption(adoption));
    for (const finding of findings) out(describe(finding));
    if (sum.openSlices > 0) out(`${sum.openSlices} slices are open in the running service: checked up to what is durable in them\n`);
    out(`${sum.slices} slices, ${sum.parts} parts, ${formatByteSize(sum.bytes)}: ${verdict(problems, findings.length - problems)}\n`);
  }
  return problems === 0 ? exitCodes.clean : exitCodes.failure;
}

/** The folder itself, or for a volume the data folder above it. */
function findDataFolder(given: string): { dataDir: string; volume: string | undefined } {
  const folder = resolve(given);
  const idFile = join(folder, 'volume-id');
  if (!existsSync(idFile)) return { dataDir: folder, volume: undefined };
  const dataDir = dirname(dirname(dirname(folder)));
  if (!existsSync(join(dataDir, 'format'))) {
    throw new AppError(
      'folderUnusable',
      `${folder} is a volume without its data folder, whose metadata says what must be in it: name <data folder>/volumes/<type>/<label>.`,
    );
  }
  return { dataDir, volume: readFileSync(idFile, 'utf8').trim() };
}

function describe({ type, volume, path, offset, length, rows, expectedRows, repaired }: Finding): string {
  const place = offset === undefined ? '' : `  bytes ${offset}..${offset + (length ?? 0)}`;
  const count = type === 'damagedMember' ? `  ${rows ?? 'unknown'} rows` : '';
  const differ = expectedRows === undefined ? '' : `  ${rows} rows instead of ${expectedRows}`;
  const done = repaired === true ? '  repaired' : '';
  return `volume ${volume}  ${path}${place}${count}${differ}: ${findingTexts[type]}${done}\n`;
}

const describeAdoption = ({ volume, path, adopted, note }: Adoption): string =>
  `volume ${volume}  ${path}: ${adopted ? `taken back as slice ${note}` : `not taken back: ${note}`}\n`;

function verdict(problems: number, repaired: number): string {
  const done = repaired > 0 ? `${repaired} repaired, ` : '';
  return problems === 0 ? `${done}clean` : `${done}${problems} problems`;
}
