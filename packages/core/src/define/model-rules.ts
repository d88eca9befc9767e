import type { Interceptor } from '../interceptor.ts'
import { permit, type Can } from './permission.ts'

/** What clients may do, apart from what `intercept` says of it. */
export interface ModelRules {
  /**
   * Who may create, update and delete which nodes. Without it, everybody whom `authorize`
   * of the server lets write; with it, nobody but those for whom it answers `true`.
   */
  readonly can?: Can
}

/** The interceptors that see to `rules`. What another rule had follow is no client's doing. */
export function interceptBy({ can }: ModelRules): Interceptor[] {
  const rules = can ? [permit(can)] : []
  return rules.map(
    (rule): Interceptor =>
      (document, command, context) =>
        context.cause ? undefined : rule(document, command, context),
  )
}
