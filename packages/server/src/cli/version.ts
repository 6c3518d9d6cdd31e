/** Of the workspace; releases set it. */
export const version = '0.0.0';
