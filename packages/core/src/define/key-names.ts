import { compileKeyPattern, parseKey } from '../key.ts'

/** The names that a pattern gives to segments of its keys: `{ list: string }` for `todos:$list`. */
export type NamesOf<Pattern extends string> = {
  readonly [Name in NameIn<Pattern>]: string
}

type NameIn<Pattern extends string> = Pattern extends `${infer Head}:${infer Rest}`
  ? NameIn<Head> | NameIn<Rest>
  : Pattern extends `$${infer Name}`
    ? Name
    : never

/** Tell by the compiler whether a model `Key` is of a kind; a part that is not known fits any name. */
export type Fits<
  Pattern extends string,
  Key extends string,
> = Pattern extends `${infer Head}:${infer Rest}`
  ? Key extends `${infer KeyHead}:${infer KeyRest}`
    ? FitsSegment<Head, KeyHead> extends true
      ? Fits<Rest, KeyRest>
      : false
    : false
  : Key extends `${string}:${string}`
    ? false
    : FitsSegment<Pattern, Key>

type FitsSegment<Pattern extends string, Segment extends string> = Segment extends ''
  ? false
  : Pattern extends `$${string}` | '*'
    ? true
    : Segment extends Pattern
      ? true
      : false

/** A pattern with names, made ready. */
export interface NamedPattern<Pattern extends string> {
  /** The same with `*` in the place of each name, as servers and feeds take it. */
  readonly pattern: string
  readonly fits: (key: string) => boolean
  /** What the named segments of `key` are. */
  readonly namesOf: (key: string) => NamesOf<Pattern>
}

/** Make ready a pattern such as `team:$team:tasks`. */
export function compileNamedPattern<Pattern extends string>(named: Pattern): NamedPattern<Pattern> {
  const segments = named.split(':')
  const pattern = segments.map((segment) => (isName(segment) ? '*' : segment)).join(':')
  return {
    pattern,
    fits: compileKeyPattern(pattern),
    namesOf(key) {
      const values = parseKey(key)
      const names = segments.flatMap((segment, index) =>
        isName(segment) ? [[segment.slice(1), values[index]!]] : [],
      )
      return Object.freeze(Object.fromEntries(names)) as NamesOf<Pattern>
    },
  }
}

function isName(segment: string): boolean {
  return segment.length > 1 && segment.startsWith('$')
}
