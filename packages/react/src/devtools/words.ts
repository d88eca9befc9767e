import type { GivenCommand, JsonObject, JsonValue, ModelStatus, Path } from '@flushout/client'

const MAX_SEGMENT = 14
const SHOWN_TAIL = 6
const MAX_TEXT = 160

/** A path for people: of long ids only the end, which is where they differ. */
export function tellPath(path: Path): string {
  if (path.length === 0) return 'document'
  return path
    .map((key) => (key.length > MAX_SEGMENT ? `…${key.slice(-SHOWN_TAIL)}` : key))
    .join(' / ')
}

/** The node that a command concerns. */
export function nodeOf(command: GivenCommand): Path {
  const { path = [] } = command
  return command.action === 'create' && command.id !== undefined ? [...path, command.id] : path
}

/** What a command sets and removes, on one line. */
export function tellProps(command: GivenCommand): string {
  if (command.action === 'delete') return ''
  if (command.action === 'run') return tellFields(command.args ?? {})
  const { props = {}, unset = [] } = command as { props?: JsonObject; unset?: readonly string[] }
  const removed = unset.map((key) => `${key} removed`)
  return shorten([tellFields(props), ...removed].filter(Boolean).join(', '))
}

/** Keys and values on one line. */
export function tellFields(fields: JsonObject): string {
  return shorten(
    Object.entries(fields)
      .map(([key, value]) => `${key}: ${tellValue(value)}`)
      .join(', '),
  )
}

/** A value on one line. */
export function tellValue(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : shorten(JSON.stringify(value))
}

function shorten(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)} …` : text
}

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})

/** The time of the day, to the millisecond. */
export function tellTime(at: number): string {
  return clock.format(at)
}

const shortClock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/** The time of the day, to the second. */
export function tellShortTime(at: number): string {
  return shortClock.format(at)
}

const calendar = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** Day and time. */
export function tellDate(at: number): string {
  return calendar.format(at)
}

/** How long something took. */
export function tellDuration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

/** "no commands", "1 command", "2 commands". */
export function tellCount(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`
}

/** Whether a model is well, for a colour; never the only thing that tells. */
export function moodOf({ state }: Pick<ModelStatus, 'state'>): 'good' | 'calm' | 'bad' {
  if (state === 'live') return 'good'
  return state === 'connecting' || state === 'polling' ? 'calm' : 'bad'
}
