/** What a parser of user text returns: the value, or why the text is not one. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const notParsed = (reason: string): Parsed<never> => ({ ok: false, reason });
