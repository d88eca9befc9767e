import type { ModelStatus } from '@flushout/client'
import type { ReactElement } from 'react'
import { moodOf, tellShortTime } from './words.ts'

/** How a model stands towards its master, with the way of its commands. */
export function StatusStrip({ status }: { readonly status: ModelStatus }): ReactElement {
  const { state, since, queued, inFlight, confirmed, rejected, durable, error } = status
  return (
    <div className="strip">
      <p className="state">
        <span className="dot" data-mood={moodOf(status)} />
        <strong>{state}</strong> <span className="quiet">since {tellShortTime(since)}</span>
        {durable && <span className="quiet"> · kept on the device</span>}
      </p>
      <dl className="way">
        <Count name="queued" count={queued} />
        <Count name="in flight" count={inFlight} />
        <Count name="confirmed" count={confirmed} />
        {rejected > 0 && <Count name="lost" count={rejected} />}
      </dl>
      {error && (
        <p className="fault">
          <strong>{error.code}</strong> {error.message}
        </p>
      )}
    </div>
  )
}

function Count({ name, count }: { readonly name: string; readonly count: number }): ReactElement {
  return (
    <div data-name={name} data-some={count > 0}>
      <dt>{name}</dt>
      <dd>{count}</dd>
    </div>
  )
}
