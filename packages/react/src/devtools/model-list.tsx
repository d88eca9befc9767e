import type { ReactElement } from 'react'
import type { ModelChoice } from './model-choice.ts'
import type { RecordedClient } from './recorders.ts'
import { useRove } from './use-rove.ts'
import { moodOf, tellCount } from './words.ts'

interface ModelListProps {
  readonly clients: readonly RecordedClient[]
  /** By `nameOf`. */
  readonly shown: string
  readonly nameOf: (choice: ModelChoice) => string
  readonly onChoose: (choice: ModelChoice) => void
}

/** The models in memory, by client. */
export function ModelList({ clients, shown, nameOf, onChoose }: ModelListProps): ReactElement {
  const names = clients.flatMap((client) =>
    client.models.map((watched) => nameOf({ client, watched })),
  )
  const rove = useRove(names, shown)
  return (
    <nav className="models" aria-label="Models" {...rove.list}>
      {clients.map((client) => (
        <div key={client.name} className="group">
          {client.name !== '' && <h3>{client.name}</h3>}
          <ul aria-label={client.name === '' ? undefined : `Models of ${client.name}`}>
            {client.models.map((watched) => {
              const name = nameOf({ client, watched })
              const { model, status } = watched
              const pending = status.queued + status.inFlight
              return (
                <li key={name}>
                  <button
                    type="button"
                    className="model"
                    aria-current={name === shown}
                    title={`${model.key}: ${status.state}`}
                    onClick={() => onChoose({ client, watched })}
                    {...rove.part(name)}
                  >
                    <span className="dot" data-mood={moodOf(status)} />
                    <span className="key">{model.key}</span>
                    <span className="visually-hidden">, {status.state}</span>
                    {pending > 0 && (
                      <span className="badge" title={`${tellCount(pending, 'command')} pending`}>
                        {pending}
                        <span className="visually-hidden"> pending</span>
                      </span>
                    )}
                  </button>
                </li>
              )
            })}
          </ul>
        </div>
      ))}
    </nav>
  )
}
