export const takenTable = (number: number): string => `taken_${number}`;
