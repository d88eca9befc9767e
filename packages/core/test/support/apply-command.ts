import type { JsonObject, JsonValue, Path } from '@flushout/core'
import { produce } from 'immer'
import type { CheckedCommand } from '../../src/check.ts'

type Node = Record<string, JsonValue>

/** Thrown to leave a draft as it was. */
class Refused extends Error {}

/**
 * What a command means, on plain immutable data and as simply as can be: the
 * reference for the document engine. Gives undefined if the command cannot apply.
 */
export function applyCommand(
  document: JsonObject,
  command: CheckedCommand,
): JsonObject | undefined {
  try {
    return produce(document, (draft) => run(draft as Node, command))
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

function run(root: Node, command: CheckedCommand): void {
  if (command.action === 'delete') {
    delete nodeAt(root, command.path.slice(0, -1))[command.path.at(-1)!]
  } else if (command.action === 'update') {
    const node = nodeAt(root, command.path)
    for (const key of command.unset ?? []) delete node[key]
    Object.assign(node, command.props)
  } else {
    const { path, id, props = {}, parentDefault } = command
    const key = path.at(-1)
    if (parentDefault && key !== undefined) {
      const grandparent = nodeAt(root, path.slice(0, -1))
      if (!Object.hasOwn(grandparent, key)) grandparent[key] = { ...parentDefault }
    }
    const parent = nodeAt(root, path)
    if (Object.hasOwn(parent, id)) throw new Refused()
    parent[id] = props
  }
}

function nodeAt(root: Node, path: Path): Node {
  let node: Node = root
  for (const key of path) {
    const value: JsonValue | undefined = Object.hasOwn(node, key) ? node[key] : undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refused()
    node = value as Node
  }
  return node
}
