import type { Model } from '@flushout/client'
import { useState, type ReactElement } from 'react'
import { Action } from './action.tsx'
import type { LogLine } from './log-line.ts'
import type { RecordedClient } from './recorders.ts'
import { Row } from './row.tsx'
import { tellNews, tellPurpose, tellRebase, tellResult } from './tell-exchange.ts'
import { useRove } from './use-rove.ts'
import { tellDuration, tellTime } from './words.ts'

interface LogViewProps {
  readonly client: RecordedClient
  readonly model: Model
}

type Kind = LogLine['kind']

const KINDS: readonly (readonly [Kind, string])[] = [
  ['exchange', 'Flushes'],
  ['heard', 'News'],
  ['rebased', 'Rebases'],
  ['settled', 'Verdicts'],
  ['state', 'States'],
]

/** What went on between one model and its master, the newest first. */
export function LogView({ client, model }: LogViewProps): ReactElement {
  const [hidden, setHidden] = useState<readonly Kind[]>([])
  const lines = client.lines
    .filter(({ key, kind }) => key === model.key && !hidden.includes(kind))
    .toReversed()
  const rove = useRove(lines.map(({ id }) => String(id)))
  const longest = Math.max(1, ...lines.map(durationOf))
  const toggle = (kind: Kind) => {
    setHidden(hidden.includes(kind) ? hidden.filter((one) => one !== kind) : [...hidden, kind])
  }
  return (
    <>
      <div className="tools" role="group" aria-label="What to show">
        {KINDS.map(([kind, label]) => (
          <button
            key={kind}
            type="button"
            className="toggle"
            aria-pressed={!hidden.includes(kind)}
            onClick={() => toggle(kind)}
          >
            {label}
          </button>
        ))}
        <button type="button" className="aside" onClick={() => client.recorder.clear()}>
          Clear
        </button>
      </div>
      {lines.length === 0 && <p className="note">Nothing was noted since the panel is here.</p>}
      <ol className="rows log" aria-label="Log" {...rove.list}>
        {lines.map((line) => (
          <Row
            key={line.id}
            id={String(line.id)}
            rove={rove}
            className={toneOf(line)}
            detail={detailOf(line)}
          >
            <time>{tellTime(line.at)}</time>
            <Line line={line} longest={longest} />
          </Row>
        ))}
      </ol>
    </>
  )
}

function Line(props: { readonly line: LogLine; readonly longest: number }): ReactElement {
  const { line, longest } = props
  switch (line.kind) {
    case 'exchange':
      return (
        <>
          <span className="what">
            {tellPurpose(line)} <span className="result">{tellResult(line)}</span>
          </span>
          {line.durationMs !== undefined && (
            <span className="took">
              <span
                className="bar"
                aria-hidden="true"
                style={{ inlineSize: `${Math.ceil((durationOf(line) / longest) * 100)}%` }}
              />
              {tellDuration(line.durationMs)}
            </span>
          )}
        </>
      )
    case 'heard':
      return <span className="what">{tellNews(line)}</span>
    case 'rebased':
      return <span className="what">{tellRebase(line)}</span>
    case 'state':
      return (
        <span className="what">
          {line.from} → {line.to} <span className="result">{line.error?.code}</span>
        </span>
      )
    case 'settled': {
      const { outcome } = line
      return (
        <>
          <Action command={line.command} />
          <span className="why">
            {outcome.kind}
            {'rejection' in outcome && `: ${outcome.rejection.code}`}
          </span>
        </>
      )
    }
  }
}

/** All of a line but what is the same in all of them. */
function detailOf({ id: _id, key: _key, ...line }: LogLine): object {
  return { ...line, at: new Date(line.at).toISOString() }
}

function durationOf(line: LogLine): number {
  return line.kind === 'exchange' ? (line.durationMs ?? 0) : 0
}

/** How a line looks; what it says tells the same. */
function toneOf(line: LogLine): string {
  if (line.kind === 'exchange') {
    if (line.error) return 'bad'
    return line.durationMs === undefined ? 'pending' : 'exchange'
  }
  if (line.kind === 'settled') return line.outcome.kind === 'amended' ? 'settled' : 'bad'
  return line.kind
}
