/** Tabs whose messages differ do not hear each other: two versions of an app may be open. */
const VERSION = 1

/** Held by the one tab that speaks with the server. */
export function gatewayLock(name: string): string {
  return `flushout gateway ${VERSION} ${name}`
}

export function commonLine(name: string): string {
  return `flushout ${VERSION} ${name}`
}

/** Between one tab and the gateway. */
export function tabLine(name: string, tab: string): string {
  return `flushout tab ${VERSION} ${name} ${tab}`
}
