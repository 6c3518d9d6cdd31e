/** Where a value is within another: names and indexes, the last one first. Made for each value, read only for an error. */
export interface ValuePath {
  readonly around: ValuePath | undefined;
  readonly step: string | number;
}

/** The steps from outside, as errors show them. */
export function printPath(path: ValuePath | undefined): string {
  const steps: (string | number)[] = [];
  for (let at = path; at !== undefined; at = at.around) steps.push(at.step);
  return `[${steps.reverse().join(' ')}]`;
}
