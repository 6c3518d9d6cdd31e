/** Ids that count: `0001`, `0002`, … in the wanted length. */
export function countingIds(): (length: number) => string {
  let count = 0;
  return (length) => {
    count += 1;
    return String(count).padStart(length, '0');
  };
}
