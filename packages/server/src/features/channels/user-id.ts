// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what an id must not have
const form = /^[^\s\x00-\x1f]{1,128}$/;

/** What can be told as one word in the line of a viewer: 1 to 128 characters without blanks and control characters. */
export const isUserId = (text: string): boolean => form.test(text) && text.isWellFormed();
