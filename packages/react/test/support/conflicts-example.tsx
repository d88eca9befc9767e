import type { Model } from '@flushout/client'
import { useRejections } from '@flushout/react'

/** Where somebody else was first: both values, until the user has chosen. */
export function Conflicts<Doc extends object>({ model }: { model: Model<Doc> }) {
  return useRejections(model).map((lost) => {
    if (lost.kind !== 'conflict') return null
    return (
      <section key={lost.id} role="alert">
        <p>
          You wrote {JSON.stringify(lost.given)}, meanwhile it is {JSON.stringify(lost.found)}.
        </p>
        <button onClick={lost.retry}>Take mine</button>
        <button onClick={lost.dismiss}>Leave it</button>
      </section>
    )
  })
}
