// How a page goes on from what a server has rendered it from:
//
//   server                                    browser
//   prefetch ──► render ──► HTML ───────────► hydrateRoot
//      └───────► dehydrate ──► text in it ──► hydrate ──► followed from that count on
import { FlushoutError, PROTOCOL, type Snapshot } from '@flushout/core'
import { Client } from './client.ts'

/** What `dehydrate` writes. Another version of it is left alone. */
interface Dehydrated {
  readonly protocol: number
  readonly models: { readonly [key: string]: Snapshot & { readonly at: number } }
}

// What would end a script element, or begin a comment in one; and what older
// JavaScript takes for the end of a line.
const UNSAFE = /[<>&\u2028\u2029]/g

/**
 * What `client` has loaded, as text for `hydrate`: all models, or those with these `keys`.
 * It is JSON that can stand in any element of a page as it is, a script included. Whoever
 * gets the page can read all of it. What nobody confirmed is not in it.
 */
export function dehydrate(client: Client, keys?: readonly string[]): string {
  const models: [string, Dehydrated['models'][string]][] = []
  for (const model of client.models) {
    const { key, status } = model
    const snapshot = Client.controls(client).get(model)?.confirmed()
    if (!snapshot || (keys && !keys.includes(key))) continue
    models.push([key, { ...snapshot, at: status.lastSyncedAt ?? status.since }])
  }
  const dehydrated: Dehydrated = { protocol: PROTOCOL, models: Object.fromEntries(models) }
  return JSON.stringify(dehydrated).replace(UNSAFE, escape)
}

/**
 * Give `client` what `dehydrate` wrote on the server, before the page is hydrated: these
 * models are there at once and nothing is asked for. From then on they are as any other.
 * Models that are loaded or loading stay as they are. Throws OPTIONS_INVALID for what no
 * `dehydrate` wrote.
 */
export function hydrate(client: Client, dehydrated: string): void {
  const { protocol, models } = parse(dehydrated)
  // From a page that was kept from before an upgrade: the models load as ever.
  if (protocol !== PROTOCOL) return
  for (const [key, { at, ...snapshot }] of Object.entries(models)) {
    Client.controls(client).get(client.model<object>(key))?.begin(snapshot, at)
  }
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function parse(text: string): Dehydrated {
  try {
    const parsed = JSON.parse(text) as Dehydrated
    if (typeof parsed.protocol === 'number' && Object(parsed.models) === parsed.models)
      return parsed
  } catch {
    // As told below.
  }
  throw new FlushoutError('OPTIONS_INVALID', 'This is not what `dehydrate` gave on the server.')
}
