import type { Interceptor } from '../interceptor.ts'
import type { JsonObject } from '../json.ts'
import type { Path } from '../path.ts'
import type { FieldPath } from './field-path.ts'
import { permit, type Can } from './permission.ts'
import { allowOnly, keep } from './protect-fields.ts'

/** What clients may do, apart from what `intercept` says of it. */
export interface ModelRules<Doc = JsonObject> {
  /**
   * Who may create, update and delete which nodes. Without it, everybody whom `authorize`
   * of the server lets write; with it, nobody but those for whom it answers `true`.
   */
  readonly can?: Can
  /**
   * The only fields that clients write, those of `setOnce` besides. An item, a node in the
   * place of a `'*'`, they may delete as a whole; what else is there is the server's.
   */
  readonly clientEditable?: readonly FieldPath<Doc>[]
  /**
   * Fields that stay as they are as soon as they are there, as the owner of an item, until
   * the item is deleted.
   */
  readonly setOnce?: readonly FieldPath<Doc>[]
}

/** The interceptors that see to `rules`. What another rule had follow is no client's doing. */
export function interceptBy<Doc>({ can, clientEditable, setOnce }: ModelRules<Doc>): Interceptor[] {
  const fixed = (setOnce ?? []) as readonly Path[]
  const rules = can ? [permit(can)] : []
  if (clientEditable) rules.push(allowOnly([...(clientEditable as readonly Path[]), ...fixed]))
  if (fixed.length > 0) rules.push(keep(fixed))
  return rules.map(
    (rule): Interceptor =>
      (document, command, context) =>
        context.cause ? undefined : rule(document, command, context),
  )
}
