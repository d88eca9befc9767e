import type { JsonValue } from '../json.ts'
import type { Path } from '../path.ts'

/**
 * The path of a field or node of `Doc`, with `'*'` for the id of an item, as
 * `['tasks', '*', 'owner']`. Below six levels the compiler does not look.
 */
export type FieldPath<Doc> = Below<Doc, readonly []>

type Below<Value, Depth extends readonly unknown[]> = Value extends readonly unknown[]
  ? never
  : Value extends object
    ? JsonValue extends Value[keyof Value]
      ? Path
      : Depth['length'] extends 6
        ? Path
        : {
            [Key in keyof Value & string]-?: readonly [
              string extends Key ? '*' : Key,
              ...(readonly [] | Below<NonNullable<Value[Key]>, readonly [...Depth, unknown]>),
            ]
          }[keyof Value & string]
    : never

/** Tell whether `field` is the place `path` or one above or below it. */
export function isOnTheWay(field: Path, path: Path): boolean {
  const length = Math.min(field.length, path.length)
  for (let index = 0; index < length; index += 1) {
    if (field[index] !== '*' && field[index] !== path[index]) return false
  }
  return true
}
