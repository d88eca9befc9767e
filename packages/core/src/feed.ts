// What a flush did to the items of one node, told without looking at a document:
// whoever tells it may hold none. So a `reset` is said wherever the commands alone
// do not show what became of the items.
import type { Command, Create, Update } from './command.ts'
import { isObject, type JsonObject, type JsonValue } from './json.ts'
import { ROOT, startsWith, type Path } from './path.ts'
import type { AppliedFlush } from './protocol.ts'

/** The items of one node, in one model or in many, to be followed as events. */
export interface Feed {
  /** The node whose child nodes are the items; the document itself if left out. */
  readonly path?: Path
  /** Of one item only. */
  readonly item?: string
  /** The prop that gives items their place: an update of nothing else is told as `position`. */
  readonly position?: string
}

/** What happened to the items of a feed. */
export type FeedEvent =
  /** A new item. */
  | { readonly kind: 'publish'; readonly id: string; readonly item: JsonObject }
  /**
   * Something in an item is another; the path of `command` begins at the item. A
   * create with `parentDefault` also makes an item that was not there.
   */
  | { readonly kind: 'edit'; readonly id: string; readonly command: Command }
  /** An item is gone. */
  | { readonly kind: 'retract'; readonly id: string }
  /** An item has another place: its position is another, and nothing else. */
  | { readonly kind: 'position'; readonly id: string; readonly position: JsonValue }
  /** Props of the node that holds the items. An item that had such a name is gone. */
  | { readonly kind: 'config'; readonly props: JsonObject }
  /** Any item may be another: read them again. The only event of its flush. */
  | { readonly kind: 'reset' }

const RESET: FeedEvent = Object.freeze({ kind: 'reset' })

/**
 * What a flush did to the items of a feed, in order; nothing for a flush whose
 * commands were left out. Replayed on the items as they were before it, with
 * all of them read again at a `reset`, the events give the items after it.
 */
export function toFeedEvents({ commands = [] }: AppliedFlush, feed: Feed): FeedEvent[] {
  const events: FeedEvent[] = []
  for (const command of commands) {
    const event = toFeedEvent(command, feed)
    // Whoever reads again finds all that the flush did.
    if (event === RESET) return [RESET]
    if (event) events.push(event)
  }
  return events
}

function toFeedEvent(command: Command, feed: Feed): FeedEvent | undefined {
  const { path = ROOT, item, position } = feed
  const { path: at = ROOT } = command
  if (!startsWith(at, path)) {
    return startsWith(path, at) && mayReplace(command, path[at.length]!) ? RESET : undefined
  }
  const [id, ...below] = at.slice(path.length)
  if (id === undefined) return ofContainer(command, item)
  if (item !== undefined && id !== item) return undefined
  if (below.length === 0) {
    if (command.action === 'delete') return { kind: 'retract', id }
    if (position !== undefined && setsOnly(position, command)) {
      return { kind: 'position', id, position: command.props![position]! }
    }
  }
  return { kind: 'edit', id, command: { ...command, path: below } }
}

/** Tell whether a command at a node above the items may make, replace or remove its child `key`. */
function mayReplace(command: Command, key: string): boolean {
  if (command.action === 'delete') return true
  if (command.action === 'update') return keysOf(command).includes(key)
  const { id, parentDefault = {} } = command
  return id === key || Object.hasOwn(parentDefault, key)
}

/** What a command at the node that holds the items does to them, or to the one `item`. */
function ofContainer(command: Command, item: string | undefined): FeedEvent | undefined {
  if (command.action === 'delete') return RESET
  if (command.action === 'create') return ofCreate(command, item)
  const { props = {}, unset = [] } = command
  if (item !== undefined) return keysOf(command).includes(item) ? RESET : undefined
  if (unset.length > 0 || Object.values(props).some(isObject)) return RESET
  return Object.keys(props).length > 0 ? { kind: 'config', props } : undefined
}

function ofCreate(command: Create, item: string | undefined): FeedEvent | undefined {
  // A command of the history always has its id.
  const { id = '', props = {}, parentDefault = {} } = command
  // It may have made its parent, with items in it.
  const others = item === undefined ? Object.values(parentDefault) : [parentDefault[item]]
  if (others.some(isObject)) return RESET
  return item === undefined || id === item ? { kind: 'publish', id, item: props } : undefined
}

function keysOf({ props = {}, unset = [] }: Update): string[] {
  return [...Object.keys(props), ...unset]
}

function setsOnly(key: string, command: Command): command is Update {
  if (command.action !== 'update') return false
  const keys = keysOf(command)
  return keys.length === 1 && Object.hasOwn(command.props ?? {}, key)
}
