import type { Model, ModelStatus } from '@flushout/client'
import { useDurable, useSyncStatus } from '@flushout/react'
import type { TodoList } from '../todo-list.ts'

type Mode = 'auto' | 'manual'

interface SyncStateProps {
  readonly model: Model<TodoList>
  readonly isOffline: boolean
  readonly mode: Mode
}

/** How it stands, in words. */
export function SyncState({ model, isOffline, mode }: SyncStateProps) {
  const status = useSyncStatus(model)
  const unsaved = status.queued + status.inFlight
  const isForgetful = !useDurable()
  const changes = unsaved === 1 ? '1 change' : `${unsaved} changes`
  const kept = `${changes} ${isForgetful ? 'only in this page' : 'kept here'}`
  return (
    <>
      <p className="state" role="status">
        {describe(status, isOffline, mode, { changes, kept })}
      </p>
      {isForgetful && (
        <p className="forgetful" role="status">
          Nothing is stored here: unsaved changes end with this page.
        </p>
      )}
    </>
  )
}

interface UnsavedTexts {
  readonly changes: string
  /** The same, with where they are. */
  readonly kept: string
}

function describe(
  { state, lastSyncedAt, inFlight, queued }: ModelStatus,
  isOffline: boolean,
  mode: Mode,
  { changes, kept }: UnsavedTexts,
): string {
  const isUnsaved = queued + inFlight > 0
  if (isOffline || state === 'offline') return isUnsaved ? `Offline, ${kept}` : 'Offline'
  if (state === 'needs-auth' || state === 'needs-upgrade') return kept
  if (state === 'refused') return 'This list cannot be opened'
  if (lastSyncedAt === undefined) return isUnsaved ? `Opening …, ${kept}` : 'Opening …'
  if (inFlight > 0) return `Saving ${changes}`
  if (!isUnsaved) return 'All changes saved'
  return mode === 'manual' ? `${changes} to flush` : `Saving ${changes}`
}

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

/** How news of the others come here, and since when. */
export function Connection({ model, isOffline, mode }: SyncStateProps) {
  const { state, since } = useSyncStatus(model)
  return (
    <p className="connection" data-state={isOffline ? 'offline' : state}>
      {tellConnection(state, time.format(since), isOffline, mode)}
    </p>
  )
}

function tellConnection(
  state: ModelStatus['state'],
  at: string,
  isOffline: boolean,
  mode: Mode,
): string {
  if (isOffline) return `Switched off at ${at}`
  switch (state) {
    case 'connecting':
      return 'Connecting …'
    case 'live':
      return `Live since ${at}`
    case 'polling':
      return mode === 'manual'
        ? `Asks for news only at a flush, since ${at}`
        : `Asks for news now and then, since ${at}`
    case 'offline':
      return `Trying to connect since ${at}`
    case 'needs-auth':
      return `Log in again; not connected since ${at}`
    case 'needs-upgrade':
      return `Reload the page for its new version; not connected since ${at}`
    case 'refused':
      return `Gone, or not for you, since ${at}`
  }
}

interface SyncPipelineProps {
  readonly model: Model<TodoList>
  readonly isOffline: boolean
}

/** The way of the commands, how many are where, and the button that sends them on it. */
export function SyncPipeline({ model, isOffline }: SyncPipelineProps) {
  const { queued, inFlight, confirmed } = useSyncStatus(model)
  return (
    <div className="pipeline">
      <dl className="counters">
        <Counter name="queued" count={queued} isWaiting={queued > 0} />
        <Counter name="in flight" count={inFlight} isWaiting={inFlight > 0} />
        <Counter name="confirmed" count={confirmed} isWaiting={false} />
      </dl>
      <button type="button" disabled={isOffline} onClick={() => void model.flush()}>
        Flush
      </button>
    </div>
  )
}

interface CounterProps {
  readonly name: string
  readonly count: number
  readonly isWaiting: boolean
}

function Counter({ name, count, isWaiting }: CounterProps) {
  return (
    <div className="counter" data-waiting={isWaiting}>
      <dt>{name}</dt>
      <dd data-counter={name}>{count}</dd>
    </div>
  )
}

interface SwitchProps {
  readonly label: string
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
}

/** A labelled switch. */
export function Switch({ label, isOn, onChange }: SwitchProps) {
  return (
    <label className="switch">
      <input
        type="checkbox"
        role="switch"
        checked={isOn}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className="track" aria-hidden="true" />
      {label}
    </label>
  )
}
