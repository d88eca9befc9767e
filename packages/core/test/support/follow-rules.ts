import type { Command, Interceptor, LogEntry } from '@flushout/core'

const chain: Interceptor = (_document, command) => {
  if (command.action !== 'update' || !Object.hasOwn(command.props ?? {}, 'b')) return undefined
  return { follow: [{ action: 'update', path: command.path!, props: { a: 7 } }] }
}

const total: Interceptor = (document, command) => {
  if (command.action !== 'update' || !Object.hasOwn(command.props ?? {}, 'a')) return undefined
  const before = document.read(['total'])
  const next = typeof before === 'number' ? before + 1 : 1
  return { follow: [{ action: 'update', path: [], props: { total: next } }] }
}

const shortList: Interceptor = (document, { action, path = [] }) => {
  if (action !== 'create' || path.length === 0) return undefined
  const surplus = document.keys(path).slice(0, -3)
  return { follow: surplus.slice(0, 2).map((key) => ({ action: 'delete', path: [...path, key] })) }
}

const log: Interceptor = (_document, command, { cause }) => {
  if (command.action !== 'delete' || cause) return undefined
  const follow: Command = {
    action: 'create',
    path: ['log'],
    props: { path: [...command.path] },
    parentDefault: {},
  }
  return { follow: [follow] }
}

const veto: Interceptor = (_document, { action, path = [] }, { cause }) =>
  cause && action === 'delete' && path.at(-1) === '7' ? { reject: { message: 'stays' } } : undefined

/** Rules after which commands follow others. */
export const followRules: readonly Interceptor[] = [chain, total, shortList, log]

/** The same, with one that refuses some of what follows. */
export const strictFollowRules: readonly Interceptor[] = [...followRules, veto]

/** How many commands of a history follow others by a rule. */
export function countFollowUps(entries: readonly LogEntry[]): number {
  const notes = entries.flatMap((entry) => entry.notes ?? [])
  return notes.filter(({ cause }) => cause !== undefined).length
}
