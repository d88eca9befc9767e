import type { Command, JsonObject, JsonValue, Path } from '@flushout/core'
import fc from 'fast-check'
import { checkCommand, type CheckedCommand } from '../../src/check.ts'
import { DocumentTree } from '../../src/document.ts'
import { command } from './arbitraries.ts'

/** A row of commands, many of which cannot apply. */
export const script: fc.Arbitrary<Command[]> = fc.array(command, { maxLength: 25 })

/** A deeply frozen copy, as the engine wants its documents. */
export function frozen<T extends JsonValue>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen)
  return Object.freeze(value)
}

export function open(document: JsonObject): DocumentTree {
  return new DocumentTree(frozen(structuredClone(document)))
}

export function checked(command: Command): CheckedCommand {
  const result = checkCommand(command, () => 'new')
  if (!result.ok) throw new Error(result.rejection.message)
  return result.command
}

export function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen)
}

/** Every node and value of a document, by its path. */
export function identities(tree: DocumentTree): Map<string, JsonValue> {
  const found = new Map<string, JsonValue>()
  const visit = (path: Path) => {
    const value = tree.read(path)!
    found.set(JSON.stringify(path), value)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    for (const key of Object.keys(value)) visit([...path, key])
  }
  visit([])
  return found
}
