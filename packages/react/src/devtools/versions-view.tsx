import type { JsonObject } from '@flushout/core'
import { useEffect, useMemo, useState, useSyncExternalStore, type ReactElement } from 'react'
import { Action } from './action.tsx'
import { DiffView } from './diff-view.tsx'
import { JsonTree } from './json-tree.tsx'
import type { WatchedModel } from './recorder.ts'
import { VersionPair, type Base, type VersionPairView } from './version-pair.ts'
import { tellDate } from './words.ts'

interface VersionsViewProps {
  readonly watched: WatchedModel
  /** Undefined: the latest, whichever that is. */
  readonly chosen: number | undefined
  readonly onChoose: (count: number | undefined) => void
}

const FRAME_MS = 700
const EMPTY: JsonObject = {}

/** The document as it was at any count, and what was different then. */
export function VersionsView({ watched, chosen, onChoose }: VersionsViewProps): ReactElement {
  const { model, status } = watched
  const latest = status.confirmed
  const count = Math.min(chosen ?? latest, latest)
  const [base, setBase] = useState<Base>('before')
  const [isPlaying, setIsPlaying] = useState(false)
  const pair = useMemo(() => new VersionPair(model), [model])
  const view = useSyncExternalStore(pair.subscribe, pair.getView, pair.getView)
  useEffect(() => pair.want(count, base), [pair, count, base])

  const choose = (wanted: number) => {
    const next = Math.max(0, Math.min(latest, wanted))
    onChoose(next === latest ? undefined : next)
  }
  const isShown = view.count === count && !view.isLoading
  const isMore = count < latest
  useEffect(() => {
    if (!isPlaying || !isShown) return undefined
    const timer = setTimeout(() => {
      if (isMore) onChoose(count + 1)
      else setIsPlaying(false)
    }, FRAME_MS)
    return () => clearTimeout(timer)
  }, [isPlaying, isShown, isMore, count, onChoose])
  const play = () => {
    if (!isPlaying && !isMore) choose(0)
    setIsPlaying(!isPlaying)
  }

  return (
    <>
      <div className="tools">
        <button
          type="button"
          aria-label="Version before"
          disabled={count === 0}
          onClick={() => choose(count - 1)}
        >
          ‹
        </button>
        <input
          type="range"
          min={0}
          max={latest}
          value={count}
          aria-label="Version"
          aria-valuetext={`${count} of ${latest}`}
          onChange={(event) => choose(Number(event.target.value))}
        />
        <button
          type="button"
          aria-label="Next version"
          disabled={!isMore}
          onClick={() => choose(count + 1)}
        >
          ›
        </button>
        <button type="button" className="play" onClick={play}>
          {isPlaying ? 'Pause' : 'Play'}
        </button>
        <output className="version">
          <b>{count}</b> of {latest}
        </output>
        <label className="against">
          Against{' '}
          <select value={base} onChange={(event) => setBase(event.target.value as Base)}>
            <option value="before">the one before</option>
            <option value="now">what shows now</option>
          </select>
        </label>
      </div>
      <Version view={view} now={model.read()} />
    </>
  )
}

function Version(props: {
  readonly view: VersionPairView
  readonly now: JsonObject | undefined
}): ReactElement {
  const { view, now } = props
  const { count, base, document, before, entry, error, isLoading } = view
  const other = base === 'now' ? now : (before ?? EMPTY)
  return (
    <div className="past" aria-busy={isLoading}>
      {error && (
        <p className="note" role="status">
          This version cannot be read: {error.message}
        </p>
      )}
      {!document && !error && <p className="note">Reading …</p>}
      {document && count !== undefined && other && (
        <>
          <Maker count={count} view={view} />
          {base === 'before' && entry === undefined && count === 0 ? null : (
            <DiffView
              before={base === 'now' ? document : other}
              after={base === 'now' ? other : document}
            />
          )}
          <h4>Document at {count}</h4>
          <JsonTree value={document} isOpened />
        </>
      )}
    </div>
  )
}

function Maker(props: { readonly count: number; readonly view: VersionPairView }): ReactElement {
  const { count, view } = props
  const { entry, base } = view
  const index = entry ? count - entry.from - 1 : -1
  const command = entry?.commands[index]
  const label = entry?.notes?.find((note) => note.index === index)?.label
  return (
    <>
      <h4>{base === 'now' ? `From ${count} to what shows now` : `What ${count} changed`}</h4>
      {count === 0 && <p className="note">Before the first command.</p>}
      {entry && (
        <p className="maker">
          {command && <Action command={command} label={label} />}
          <span className="quiet">
            by {entry.userId ?? 'anonymous'}, {tellDate(entry.at)}
          </span>
        </p>
      )}
    </>
  )
}
