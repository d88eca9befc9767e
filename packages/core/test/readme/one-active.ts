import type { Command, Interceptor } from '@flushout/core'

/** At most one active task: who makes one active makes the others inactive. */
export const oneActive: Interceptor = (document, command) => {
  if (command.action !== 'update' || command.props?.['isActive'] !== true) return
  const [, id] = command.path ?? []
  const others = document
    .keys(['tasks'])
    .filter((key) => key !== id && document.read(['tasks', key, 'isActive']) === true)
  const follow = others.map((key): Command => {
    return { action: 'update', path: ['tasks', key], props: { isActive: false } }
  })
  return { follow }
}
