import type { Client } from '@flushout/client'
import { FlushoutProvider, useFlushout, usePresence, useSyncStatus } from '@flushout/react'
import { Suspense, useState } from 'react'
import type { ListKey } from '../todo-list.ts'
import { People, type PersonState } from './people.tsx'
import { Connection, Switch, SyncPipeline, SyncState } from './sync.tsx'
import { TodoItems } from './todo-items.tsx'
import { MAX_NAME_LENGTH, useName } from './use-name.ts'

interface ClientPanelProps {
  readonly name: string
  readonly client: Client
  readonly modelKey: ListKey
}

/** One client and what it shows of the list. */
export function ClientPanel({ name, client, modelKey }: ClientPanelProps) {
  return (
    <section className="panel" data-client={name} aria-labelledby={`client-${name}`}>
      <FlushoutProvider client={client}>
        <PanelHeader name={name} client={client} modelKey={modelKey} />
        <Suspense fallback={<Opening modelKey={modelKey} />}>
          <TodoItems modelKey={modelKey} />
        </Suspense>
      </FlushoutProvider>
    </section>
  )
}

function Opening({ modelKey }: { readonly modelKey: ListKey }) {
  const [, model] = useFlushout(modelKey, { suspense: false })
  const { state } = useSyncStatus(model)
  if (state !== 'offline') return <p className="hint">Opening the list …</p>
  return (
    <p className="hint">
      This list was never opened in this browser. It opens as soon as the server answers.
    </p>
  )
}

function PanelHeader({ name, client, modelKey }: ClientPanelProps) {
  const [, model] = useFlushout(modelKey, { suspense: false })
  const [isOffline, setIsOffline] = useState(client.isPaused)
  const [mode, setMode] = useState(client.flushMode)
  const [person, setPerson] = useName(name)
  usePresence(model, { name: person.trim() } satisfies PersonState)

  const goOffline = (isOn: boolean) => {
    if (isOn) client.pause()
    else client.resume()
    setIsOffline(isOn)
  }
  const flushBySelf = (isOn: boolean) => {
    const next = isOn ? 'auto' : 'manual'
    setFlushMode(client, next)
    setMode(next)
  }

  return (
    <header className="panel-header">
      <span className="avatar" aria-hidden="true">
        {name}
      </span>
      <div className="who">
        <h2 id={`client-${name}`}>Client {name}</h2>
        <SyncState model={model} isOffline={isOffline} mode={mode} />
        <Connection model={model} isOffline={isOffline} mode={mode} />
      </div>
      <div className="here">
        <label className="name">
          You are
          <input
            value={person}
            maxLength={MAX_NAME_LENGTH}
            autoComplete="off"
            onChange={(event) => setPerson(event.target.value)}
          />
        </label>
        <People model={model} />
      </div>
      <div className="controls">
        <Switch label="Offline" isOn={isOffline} onChange={goOffline} />
        <Switch label="Auto flush" isOn={mode === 'auto'} onChange={flushBySelf} />
      </div>
      <SyncPipeline model={model} isOffline={isOffline} />
    </header>
  )
}

function setFlushMode(client: Client, mode: Client['flushMode']): void {
  client.flushMode = mode
}
