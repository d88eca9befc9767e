/**
 * How a document of type `T` reads: nothing in it can be changed in place, and what
 * may be missing is missing and never undefined.
 */
export type Stored<T> = T extends string | number | boolean | null
  ? T
  : T extends object
    ? { readonly [Key in keyof T]: Stored<Exclude<T[Key], undefined>> }
    : T
