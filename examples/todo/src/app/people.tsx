import type { Model } from '@flushout/client'
import { useOthers, useSyncStatus } from '@flushout/react'
import type { TodoList } from '../todo-list.ts'
import { MAX_NAME_LENGTH } from './use-name.ts'

/** What a client tells the others about itself. */
export interface PersonState {
  readonly name?: string
  /** The id of the todo that is being written in. */
  readonly editing?: string | undefined
}

interface Person {
  readonly id: string
  readonly name: string
  readonly editing: unknown
  /** One of a few, always the same for one client. */
  readonly color: number
}

const COLORS = 5
/** More would not fit beside the name on a phone. */
const MAX_CHIPS = 3

/** The others. Nobody has checked what they say, so anything may be in it. */
function usePeople(model: Model<TodoList>): Person[] {
  return useOthers<PersonState>(model).map(({ id, state: { name, editing } }) => ({
    id,
    name: (typeof name === 'string' && name.trim().slice(0, MAX_NAME_LENGTH)) || 'Somebody',
    editing,
    color: Array.from(id).reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % COLORS,
  }))
}

/** Who else has the list open, as a row of initials. */
export function People({ model }: { readonly model: Model<TodoList> }) {
  const people = usePeople(model)
  const { state } = useSyncStatus(model)
  if (people.length === 0) {
    return <p className="people">{state === 'live' ? 'Nobody else is here' : 'Others unknown'}</p>
  }
  const shown = people.slice(0, people.length > MAX_CHIPS + 1 ? MAX_CHIPS : MAX_CHIPS + 1)
  const rest = people.slice(shown.length)
  return (
    <ul className="people" aria-label="Also here">
      {shown.map(({ id, name, color }) => (
        <li key={id} className="chip" data-color={color} title={name}>
          <span aria-hidden="true">{initialsOf(name)}</span>
          <span className="visually-hidden">{name}</span>
        </li>
      ))}
      {rest.length > 0 && (
        <li className="chip more" title={rest.map(({ name }) => name).join(', ')}>
          <span aria-hidden="true">+{rest.length}</span>
          <span className="visually-hidden">and {rest.length} more</span>
        </li>
      )}
    </ul>
  )
}

interface WritersProps {
  readonly model: Model<TodoList>
  readonly id: string
}

/** Says on a todo who else is writing in it. */
export function Writers({ model, id }: WritersProps) {
  const [first, ...others] = usePeople(model).filter(({ editing }) => editing === id)
  if (!first) return null
  const also = others.length === 0 ? ' is' : ` and ${others.length} more are`
  return (
    <p className="writers" data-color={first.color}>
      <span>
        {first.name}
        {also} writing here
      </span>
    </p>
  )
}

/** `AL` for `Ada Lovelace`, `12` for `Guest 12`: guests have nothing else to tell them apart. */
function initialsOf(name: string): string {
  const guest = /^Guest (\d+)$/.exec(name)
  if (guest) return guest[1]!
  const words = name.split(/\s+/)
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words
  return ends
    .map((word) => /^./u.exec(word!)?.[0] ?? '')
    .join('')
    .toUpperCase()
}
