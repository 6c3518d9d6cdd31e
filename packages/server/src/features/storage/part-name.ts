import { createHash } from 'node:crypto';
import { nonceLength } from './block/member-header.ts';

/**
 * A part file belongs to one incarnation of one source: `<node>-<epoch>-<n>`, plus the codec's extension.
 * The epoch is 16 random hex digits of the source's start, so a restarted source never meets its old parts.
 */
export interface PartName {
  readonly nodeId: string;
  readonly epoch: string;
  readonly number: number;
}

export const partNameText = ({ nodeId, epoch, number }: PartName): string => `${nodeId}-${epoch}-${number}`;

/**
 * The nonce in every header of the part. It follows from the name, so that it is known where the first header is destroyed;
 * the epoch in the name is random and never leaves the node, so no client can forge a header inside a stored body.
 */
export const partNonce = (partName: string): Buffer => createHash('sha256').update(partName).digest().subarray(0, nonceLength);
