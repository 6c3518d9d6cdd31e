import { SeededRandom } from '../../support/seeded-random.ts';

/** Of the words that a long text is made of; all other bodies are fixed. */
export const bodySeed = 7;

/** The event of the benchmarks: about 1 kB, with the shapes of a usual one. */
const eventOf = (text: string, items = 9): object => ({
  type: 'order.created',
  at: '2026-01-02T03:04:05.678Z',
  customer: { id: 123456, name: 'Jane Doe', email: 'jane.doe@example.com' },
  items: Array.from({ length: items }, (_, index) => ({
    sku: `SKU-${index}-${index * 7919}`,
    amount: index,
    price: 12.5 + index,
    text: `${text} number ${index}`,
  })),
  total: 1234.56,
  paid: true,
});

export const smallBody = JSON.stringify(eventOf('product'));

/** A little less than the limit of a body. */
const megabyte = 990_000;

/** Bodies of 1 MB by what they are of: many small values, or one long text, which is parsed much faster. */
export const largeBodies = {
  items: (() => {
    // Later items have longer numbers.
    const count = 6500;
    const bytes = JSON.stringify(eventOf('product', count)).length;
    return JSON.stringify(eventOf('product', Math.floor((count * megabyte) / bytes)));
  })(),
  text: JSON.stringify({ type: 'log.written', text: prose(megabyte) }),
} as const;

/** Words with the lengths and the repetition of a usual text. */
function prose(length: number): string {
  const seed = new SeededRandom(bodySeed);
  const random = () => seed.next();
  const letters = 'etaoinshrdlucmfwypvbgkqjxz';
  const word = () =>
    Array.from({ length: 2 + Math.floor(random() * 9) }, () => letters[Math.floor(random() ** 2 * letters.length)]).join('');
  const vocabulary = Array.from({ length: 3000 }, word);
  let text = '';
  while (text.length < length) text += `${vocabulary[Math.floor(random() ** 2 * vocabulary.length)]} `;
  return text;
}

const usual = [
  { type: 'uuid', name: 'id' },
  { type: 'datetime', name: 'at' },
  { type: 'ip', name: 'ip' },
  { type: 'path', name: 'type', path: 'type' },
  { type: 'body', name: 'body' },
] as const;

/** The usual columns, with a template of two paths in place of the path. */
export const templateColumns: readonly object[] = usual.map((column) =>
  column.type === 'path'
    ? { type: 'template', name: 'who', template: { language: 'jsonnet', content: "Body('customer.name') + '-' + Body('customer.email')" } }
    : column,
);

/** 5 columns are the usual ones, 1 is the body; from there on paths are added. */
export function columnsOf(count: number): readonly object[] {
  if (count < usual.length) return usual.slice(-count);
  const paths = Array.from({ length: count - usual.length }, (_, index) => ({
    type: 'path',
    name: `p${index}`,
    path: index % 2 === 0 ? 'customer.email' : `items[${index % 9}].sku`,
    rawString: true,
  }));
  return [...usual, ...paths];
}
