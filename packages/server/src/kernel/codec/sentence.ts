/** A message as the APIs show it: no spaces at its end, a capital first letter, a full stop unless it ends with other punctuation. */
export function sentence(text: string): string {
  const trimmed = text.trimEnd();
  const [first = ''] = trimmed;
  const capital = first.toUpperCase() + trimmed.slice(first.length);
  return /[a-zA-Z0-9'"]$/.test(capital) ? `${capital}.` : capital;
}
