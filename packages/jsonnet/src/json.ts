/** A manifested value. Objects have no prototype, hold visible fields only, and are built in key order. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };
