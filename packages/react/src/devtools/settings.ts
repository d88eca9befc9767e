// How the panel was left, for the next load of the page in this tab.
const KEY = 'flushout devtools'

interface Settings {
  readonly open?: boolean
  /** In percent of the window. */
  readonly height?: number
  readonly tab?: string
}

/** What was chosen before, if the browser keeps it. */
export function readSetting<Name extends keyof Settings>(name: Name): Settings[Name] {
  return readAll()[name]
}

/** Keep what was chosen, if the browser does. */
export function writeSetting<Name extends keyof Settings>(name: Name, value: Settings[Name]): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...readAll(), [name]: value }))
  } catch {
    // It may be forbidden, or full; then the panel begins as it does at first.
  }
}

function readAll(): Settings {
  try {
    return Object(JSON.parse(sessionStorage.getItem(KEY) ?? '{}')) as Settings
  } catch {
    return {}
  }
}
