import type { Resolve } from '@flushout/server'

/** Of two who set the tags of a todo at once, keep those of both. */
export const joinTags: Resolve = ({ command, found }) => {
  const { tags: mine } = command.props ?? {}
  const { tags: theirs } = found
  if (!Array.isArray(mine) || !Array.isArray(theirs)) return
  return { props: { ...command.props, tags: [...new Set([...theirs, ...mine])] } }
}
