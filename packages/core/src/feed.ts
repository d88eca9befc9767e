import type { Command } from './command.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** What happened to the items of a feed. */
export type FeedEvent =
  /** A new item. */
  | { readonly kind: 'publish'; readonly id: string; readonly item: JsonObject }
  /** Something in an item is another; the path of `command` begins at the item. */
  | { readonly kind: 'edit'; readonly id: string; readonly command: Command }
  /** An item is gone. */
  | { readonly kind: 'retract'; readonly id: string }
  /** An item has another place: its position is another, and nothing else. */
  | { readonly kind: 'position'; readonly id: string; readonly position: JsonValue }
  /** Props of the node that holds the items. */
  | { readonly kind: 'config'; readonly props: JsonObject }
  /** Any item may be another: read them again. */
  | { readonly kind: 'reset' }
