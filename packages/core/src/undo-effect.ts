// What a command did, told by values: enough to take it back as long as nobody else
// has changed the same, and to see whether somebody has.
import type { Command } from './command.ts'
import { isObject, isSameJson, type JsonObject, type JsonValue } from './json.ts'
import { isSamePath, ROOT, type Path } from './path.ts'

/** What one key of a node held before and after a command; undefined for nothing. */
export interface Place {
  readonly key: string
  readonly was: JsonValue | undefined
  readonly now: JsonValue | undefined
}

/** What a command did to the node at `path`. */
export interface Effect {
  /** Props of the node were set, or else one below it came or went. */
  readonly isUpdate: boolean
  readonly path: Path
  readonly places: readonly Place[]
}

/** Gives the value at a path, undefined where there is none. */
export type Read = (path: Path) => JsonValue | undefined

/** Tell what `command` is about to do. Cost: O(size of what it sets and takes away). */
export function foresee(command: Command, read: Read): Effect {
  if (command.action === 'update') {
    const { path = ROOT, props = {}, unset = [] } = command
    const places = [
      ...Object.entries(props).map(([key, now]) => ({ key, was: read([...path, key]), now })),
      // A key may be named twice.
      ...[...new Set(unset)].map((key) => ({ key, was: read([...path, key]), now: undefined })),
    ]
    return { isUpdate: true, path, places: places.filter(isChange) }
  }
  if (command.action === 'create') {
    // A parent that it makes stays: others may put something there.
    const { path = ROOT, id = '', props = {} } = command
    return { isUpdate: false, path, places: [{ key: id, was: undefined, now: props }] }
  }
  const path = command.path.slice(0, -1)
  const place = { key: command.path.at(-1)!, was: read(command.path), now: undefined }
  return { isUpdate: false, path, places: [place].filter(isChange) }
}

/** What the master did instead of `sent`, as far as that can be told from here. */
export function amend(sent: Effect, command: Command): Effect {
  const was = new Map(sent.places.map((place) => [place.key, place.was]))
  const isGone = command.action === 'delete'
  const amended = foresee(command, (path) => (isGone ? sent.places[0]?.was : was.get(path.at(-1)!)))
  if (!sent.isUpdate) return amended
  // What stood where a rule of the master has put something is not known.
  return { ...amended, places: amended.places.filter(({ key }) => was.has(key)) }
}

/** Both as one, where the second goes on with the first; else undefined. */
export function join(first: Effect, second: Effect): Effect | undefined {
  if (!first.isUpdate || !second.isUpdate || !isSamePath(first.path, second.path)) return undefined
  const places = new Map(first.places.map((place) => [place.key, place]))
  for (const place of second.places) {
    const before = places.get(place.key)
    const goesOn = before && isSameJson(before.now, place.was)
    places.set(place.key, goesOn ? { ...place, was: before.was } : place)
  }
  return { ...first, places: [...places.values()].filter(isChange) }
}

/** The command that takes `effect` back, where all of it stands as it was left. */
export function invert({ isUpdate, path, places }: Effect): Command {
  const [{ key, was }] = places as [Place]
  if (!isUpdate && was === undefined) return { action: 'delete', path: [...path, key] }
  if (!isUpdate && isObject(was) && key !== '') {
    return { action: 'create', path, id: key, props: was }
  }
  const set = places.filter((place) => place.was !== undefined)
  const props = Object.fromEntries(set.map((place) => [place.key, place.was])) as JsonObject
  const unset = places.filter((place) => place.was === undefined).map((place) => place.key)
  return {
    action: 'update',
    path,
    ...(set.length > 0 && { props }),
    ...(unset.length > 0 && { unset }),
  }
}

function isChange({ was, now }: Place): boolean {
  return !isSameJson(was, now)
}
