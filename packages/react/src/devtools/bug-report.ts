import type { FlushoutError } from '@flushout/client'
import type { RecordedClient } from './recorders.ts'

/**
 * All that is known of the clients, as plain JSON. Without values, texts and numbers of
 * documents and commands are left out; keys and ids stay.
 */
export function createBugReport(
  clients: readonly RecordedClient[],
  options: { readonly withValues: boolean; readonly now: Date },
): unknown {
  const report = {
    kind: 'flushout-report',
    version: 1,
    at: options.now.toISOString(),
    page: location.origin + location.pathname,
    browser: navigator.userAgent,
    clients: clients.map(({ name, recorder, models, lines }) => ({
      name,
      flushMode: recorder.client.flushMode,
      isPaused: recorder.client.isPaused,
      isDurable: recorder.client.isDurable,
      models: models.map(({ model, status }) => ({
        key: model.key,
        status,
        pending: model.pending,
        rejections: model.rejections,
        document: model.read() ?? null,
      })),
      log: lines,
    })),
  }
  const plain = JSON.parse(JSON.stringify(report, showErrors)) as unknown
  return options.withValues ? plain : leaveOutValues(plain, false)
}

/** What errors say is in fields that JSON leaves out. */
function showErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, code, message, retry } = value as FlushoutError
  return { name, code, message, retry }
}

/** Under these names is what users wrote. */
const CONTENTS = new Set(['props', 'parentDefault', 'document', 'found', 'expects'])
/** Rules may quote it in these. */
const QUOTES = new Set(['message'])

function leaveOutValues(value: unknown, isContent: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => leaveOutValues(item, isContent))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [
      key,
      QUOTES.has(key) && typeof item === 'string'
        ? hide(item)
        : leaveOutValues(item, isContent || CONTENTS.has(key)),
    ])
    return Object.fromEntries(entries) as unknown
  }
  return isContent ? hide(value) : value
}

function hide(value: unknown): unknown {
  if (typeof value === 'string') return `(text, ${value.length})`
  return typeof value === 'number' ? '(number)' : value
}

/** Let the browser save `report` as a file. */
export function saveFile(report: unknown, name: string): void {
  const blob = new Blob([JSON.stringify(report, undefined, 2)], { type: 'application/json' })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
