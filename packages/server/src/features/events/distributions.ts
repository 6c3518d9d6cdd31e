/** How made-up amounts lie between their bounds. */
export const distributions = ['uniform', 'normal', 'bimodal'] as const;
export type Distribution = (typeof distributions)[number];
