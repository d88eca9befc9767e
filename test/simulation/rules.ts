import type { Command, Interceptor } from '@flushout/core'

/** What was trimmed has other commands follow it, on both sides. */
const trimmed: Interceptor = (document, command) => {
  if (command.action !== 'update' || command.props?.['rule'] !== 'trimmed') return
  const by = command.props['mark'] ?? null
  const [oldest] = document.keys(['todos'])
  const follow: Command[] = [{ action: 'update', path: [], props: { trimmed: by } }]
  if (oldest !== undefined) {
    follow.push({ action: 'update', path: ['todos', oldest], props: { trimmed: by } })
  }
  if (document.size(['log']) < 3) {
    follow.push({ action: 'create', path: ['log'], props: { by }, parentDefault: {} })
  }
  return { follow }
}

/** What the master refuses and amends; `throw` stands for a rule with a fault. */
export const masterRules: readonly Interceptor[] = [
  (_document, command) => {
    if (command.action === 'delete') return
    if (command.props?.['rule'] === 'reject') {
      return { reject: { code: 'NOT_WANTED', message: 'The rules of the house.' } }
    }
    if (command.props?.['rule'] === 'throw') throw new Error('A fault in a rule.')
  },
  (document, command, { now, random }) => {
    if (command.action !== 'create' || command.props?.['rule'] !== 'amend') return
    const rank = document.size(['todos']) + Math.floor(random() * 1_000)
    return { props: { ...command.props, at: now, rank } }
  },
  trimmed,
]

/** What the client can know by itself. */
export const clientRules: readonly Interceptor[] = [
  (_document, command) => {
    if (command.action !== 'update' || command.props?.['rule'] !== 'trim') return
    return { props: { ...command.props, rule: 'trimmed' } }
  },
  trimmed,
]
