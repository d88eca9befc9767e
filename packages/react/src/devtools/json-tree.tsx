import type { JsonObject, JsonValue } from '@flushout/core'
import { useState, type ReactElement } from 'react'
import { tellCount, tellFields, tellValue } from './words.ts'

const MAX_SHOWN = 200
const MAX_PREVIEWED = 4

/** A document to open node by node. */
export function JsonTree(props: {
  readonly value: JsonObject
  /** Whether the nodes of this level show what is in them. */
  readonly isOpened?: boolean
}): ReactElement {
  const { value, isOpened = false } = props
  const entries = Object.entries(value)
  return (
    <ul className="tree">
      {entries.slice(0, MAX_SHOWN).map(([key, child]) => (
        <li key={key}>
          <Node name={key} value={child} isOpened={isOpened} />
        </li>
      ))}
      {entries.length > MAX_SHOWN && <li>… and {entries.length - MAX_SHOWN} more</li>}
      {entries.length === 0 && <li className="quiet">empty</li>}
    </ul>
  )
}

function Node(props: {
  readonly name: string
  readonly value: JsonValue
  readonly isOpened: boolean
}): ReactElement {
  const { name, value, isOpened } = props
  const [isOpen, setIsOpen] = useState(isOpened)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return (
      <>
        <span className="path">{name}</span> <span className="props">{tellValue(value)}</span>
      </>
    )
  }
  const node = value as JsonObject
  return (
    <details open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>
        <span className="path">{name}</span>{' '}
        <span className="quiet">{tellCount(Object.keys(node).length, 'key')}</span>{' '}
        {!isOpen && <span className="props">{tellValues(node)}</span>}
      </summary>
      {isOpen && <JsonTree value={node} />}
    </details>
  )
}

/** The first plain values of a node. */
function tellValues(node: JsonObject): string {
  const values = Object.entries(node).filter(([, value]) => typeof value !== 'object')
  return tellFields(Object.fromEntries(values.slice(0, MAX_PREVIEWED)))
}
