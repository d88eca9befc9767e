import type { JsonObject, JsonValue } from './json.ts'
import type { Path } from './path.ts'

/**
 * The type of what a document of type `Doc` holds at path `P`; never where the
 * document has no such place, any JSON where one of the two is not known.
 */
export type At<Doc, P extends Path> = readonly string[] extends P
  ? JsonValue
  : P extends readonly [infer Key extends string, ...infer Rest extends Path]
    ? Below<NonNullable<Doc>, Key, Rest>
    : Doc

type Below<Doc, Key extends string, Rest extends Path> = JsonObject extends Doc
  ? JsonValue
  : Doc extends readonly unknown[] | string | number | boolean
    ? never
    : Key extends keyof Doc
      ? At<Doc[Key], Rest>
      : string extends Key
        ? At<Doc[keyof Doc], Rest>
        : never

/** `P` if it leads to a place in `Doc`, else never: a wrong path does not compile. */
export type PathIn<Doc, P extends Path> = [At<Doc, P>] extends [never] ? never : P

/** What can be set on the node at `P`: some of its props. */
export type PropsAt<Doc, P extends Path> =
  JsonValue extends At<Doc, P> ? JsonObject : Partial<NonNullable<At<Doc, P>>>

/** What can be created under the node at `P`: some of the props of what it holds. */
export type ChildProps<Doc, P extends Path> = PropsAt<Doc, readonly [...P, string]>
