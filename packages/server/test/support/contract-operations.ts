import { readdirSync } from 'node:fs';
import type { Operation } from '@sluice/contract/operation';

const folder = new URL('../../../contract/src/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('operations.ts'));
const modules: readonly object[] = await Promise.all(files.map((name) => import(new URL(name, folder).href)));

/** Every operation of the contract: all that its files of operations export. */
export const contractOperations: readonly Operation[] = modules.flatMap((module): Operation[] => Object.values(module));
