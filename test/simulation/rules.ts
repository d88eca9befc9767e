import type { Interceptor } from '@flushout/core'

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
]

/** What the client can know by itself. */
export const clientRules: readonly Interceptor[] = [
  (_document, command) => {
    if (command.action !== 'update' || command.props?.['rule'] !== 'trim') return
    return { props: { ...command.props, rule: 'trimmed' } }
  },
]
