import type { LaneProcess } from '../support/lane/lane-process.ts';

/** True while every route has all of the partitions, over all processes, and no record is left for it to store. */
export async function haveConsumedEverything(processes: readonly LaneProcess[], partitions: number): Promise<boolean> {
  const sums = new Map<string, number>();
  for (const { urls } of processes) {
    const page = await (await fetch(`${urls['operations']}/metrics`)).text();
    for (const [, gauge, value] of page.matchAll(/^sluice_consumer_((?:lag_records|partitions)\{.*\}) (\d+)$/gm)) {
      if (gauge !== undefined) sums.set(gauge, (sums.get(gauge) ?? 0) + Number(value));
    }
  }
  return sums.size === 4 && [...sums].every(([gauge, sum]) => sum === (gauge.startsWith('partitions') ? partitions : 0));
}
