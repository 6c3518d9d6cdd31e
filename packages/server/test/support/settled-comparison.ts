import type { CompareAnswer } from '@sluice/contract/event-series';

/** Whether everything was looked at, in stores that answered, and nothing is still to be stored. */
export const isSettled = ({ message, complete, partitions }: CompareAnswer): boolean =>
  message !== 'partial' && complete && partitions.every(({ types }) => types.every(({ pending }) => pending === 0));
