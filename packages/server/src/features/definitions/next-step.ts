import type { Step } from './commit.ts';
import type { TransactionPart } from './definition-hooks.ts';
import { fitTogether, joinParts } from './transaction-part.ts';

interface Parts {
  /** Joins every batch: it fails where somebody else has changed what the operation is on. */
  readonly fence: TransactionPart;
  /** What is still to be done, one part for each entity. No more of them is asked for than fits. */
  readonly parts: AsyncIterable<TransactionPart>;
  /** Joins the last batch. */
  readonly last: TransactionPart;
}

/** As many parts as a transaction may hold; the last one once nothing else is left. */
export async function nextStep({ fence, parts, last }: Parts): Promise<Step> {
  let batch = fence;
  for await (const part of parts) {
    if (batch !== fence && !fitTogether(batch, part)) return { type: 'batch', transaction: batch };
    batch = joinParts(batch, part);
  }
  if (batch !== fence && !fitTogether(batch, last)) return { type: 'batch', transaction: batch };
  return { type: 'last', transaction: joinParts(batch, last) };
}
