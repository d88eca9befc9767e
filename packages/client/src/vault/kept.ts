/**
 * How a proxy is made that is going to be kept. What does not apply may build on edits of
 * another page, which are told soon.
 */
export const KEPT = { others: [], keepsConfirmed: true, isPersisted: true } as const
