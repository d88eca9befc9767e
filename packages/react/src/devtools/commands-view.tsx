import type { Command, GivenCommand, HistoryEntry, PendingSession } from '@flushout/client'
import type { ReactElement } from 'react'
import { useHistory } from '../use-history.ts'
import { useRejections, type RejectedCommand } from '../use-rejections.ts'
import { Action } from './action.tsx'
import type { WatchedModel } from './recorder.ts'
import { Row } from './row.tsx'
import { useRove, type Rove } from './use-rove.ts'
import { tellDate, tellTime } from './words.ts'

interface CommandsViewProps {
  readonly watched: WatchedModel
  readonly onOpenVersion: (count: number) => void
}

interface PendingLine {
  readonly id: string
  readonly command: GivenCommand
  /** Of its flush; undefined while it is queued. */
  readonly sequence: number | undefined
  readonly clientId: string
}

interface ConfirmedLine {
  readonly id: string
  readonly command: Command
  /** The version that it made. */
  readonly count: number
  readonly entry: HistoryEntry
  /** What the history tells of it besides. */
  readonly note: NonNullable<HistoryEntry['notes']>[number] | undefined
}

/** What was lost, what is on its way, and what the master vouched for; the newest first. */
export function CommandsView({ watched, onOpenVersion }: CommandsViewProps): ReactElement {
  const { model } = watched
  const { entries, isLoading, hasMore, isTrimmed, error, loadMore } = useHistory(model)
  const lost = useRejections(model).toReversed()
  const pending = model.pending.flatMap(toPendingLines).toReversed()
  const confirmed = entries.flatMap(toConfirmedLines)
  const rove = useRove([
    ...lost.map(({ id }) => id),
    ...pending.map(({ id }) => id),
    ...confirmed.map(({ id }) => id),
  ])
  return (
    <div className="commands" {...rove.list}>
      {lost.length > 0 && <Lost lost={lost} rove={rove} />}
      {pending.length > 0 && <Pending lines={pending} rove={rove} />}
      <h4>Confirmed</h4>
      {confirmed.length > 0 && (
        <Confirmed lines={confirmed} rove={rove} onOpenVersion={onOpenVersion} />
      )}
      {error && <p className="note">The history cannot be read: {error.message}</p>}
      {!error && !isLoading && confirmed.length === 0 && (
        <p className="note">Nothing is confirmed yet.</p>
      )}
      {!hasMore && isTrimmed && <p className="note">What was before is not held any more.</p>}
      {(hasMore || error) && (
        <button type="button" className="more" disabled={isLoading} onClick={loadMore}>
          {isLoading ? 'Reading …' : error ? 'Try again' : 'Older'}
        </button>
      )}
    </div>
  )
}

function Lost(props: {
  readonly lost: readonly RejectedCommand[]
  readonly rove: Rove
}): ReactElement {
  const { lost, rove } = props
  return (
    <>
      <h4>Lost</h4>
      <ol className="rows" aria-label="Lost commands">
        {lost.map(({ id, retry: _retry, dismiss: _dismiss, ...one }) => (
          <Row key={id} id={id} rove={rove} className="bad" detail={one}>
            <span className="place">{one.kind}</span>
            <Action command={one.command} />
            <span className="why">{one.rejection.code}</span>
            <time>{tellTime(one.at)}</time>
          </Row>
        ))}
      </ol>
    </>
  )
}

function Pending(props: {
  readonly lines: readonly PendingLine[]
  readonly rove: Rove
}): ReactElement {
  const { lines, rove } = props
  return (
    <>
      <h4>Pending</h4>
      <ol className="rows" aria-label="Pending commands">
        {lines.map((line) => (
          <Row key={line.id} id={line.id} rove={rove} className="pending" detail={line}>
            <span className="place">
              {line.sequence === undefined ? 'queued' : `flush ${line.sequence}`}
            </span>
            <Action command={line.command} />
          </Row>
        ))}
      </ol>
    </>
  )
}

function Confirmed(props: {
  readonly lines: readonly ConfirmedLine[]
  readonly rove: Rove
  readonly onOpenVersion: (count: number) => void
}): ReactElement {
  const { lines, rove, onOpenVersion } = props
  return (
    <ol className="rows" aria-label="Confirmed commands">
      {lines.map(({ id, command, count, entry, note }) => (
        <Row
          key={id}
          id={id}
          rove={rove}
          detail={{ count, userId: entry.userId, clientId: entry.clientId, command, note }}
          actions={
            <button type="button" onClick={() => onOpenVersion(count)}>
              Show version {count}
            </button>
          }
        >
          <span className="place">{count}</span>
          <Action command={command} label={note?.label} />
          {note?.run && <span className="who">of {note.run.name}</span>}
          {note?.cause !== undefined && (
            <span className="who">follows {entry.from + note.cause + 1}</span>
          )}
          <span className="who">{entry.userId ?? 'anonymous'}</span>
          <time title={tellDate(entry.at)}>{tellTime(entry.at)}</time>
        </Row>
      ))}
    </ol>
  )
}

function toPendingLines({ clientId, commands }: PendingSession): PendingLine[] {
  return commands.map(({ serial, sequence, command }) => ({
    id: `${clientId} ${serial}`,
    command,
    sequence,
    clientId,
  }))
}

function toConfirmedLines(entry: HistoryEntry): ConfirmedLine[] {
  return entry.commands
    .map((command, index) => {
      const count = entry.from + index + 1
      const note = entry.notes?.find((one) => one.index === index)
      return { id: `confirmed ${count}`, command, count, entry, note }
    })
    .toReversed()
}
