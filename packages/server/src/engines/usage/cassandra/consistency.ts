import { types } from 'cassandra-driver';

/** How many replicas must have answered, in the driver's numbers. */
export const consistencies = {
  one: types.consistencies.one,
  localOne: types.consistencies.localOne,
  quorum: types.consistencies.quorum,
  localQuorum: types.consistencies.localQuorum,
} as const;

export type Consistency = keyof typeof consistencies;
