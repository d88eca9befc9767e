import type { JsonObject } from '@flushout/core'
import { useMemo, type ReactElement } from 'react'
import { documentDiff, type DocumentChange } from './document-diff.ts'
import { tellPath, tellValue } from './words.ts'

interface DiffViewProps {
  readonly before: JsonObject
  readonly after: JsonObject
}

const MAX_SHOWN = 200

/** Where two documents differ, and how. */
export function DiffView({ before, after }: DiffViewProps): ReactElement {
  const changes = useMemo(() => documentDiff(before, after), [before, after])
  if (changes.length === 0) return <p className="note">Nothing is different.</p>
  return (
    <>
      <ul className="diff" aria-label="Differences">
        {changes.slice(0, MAX_SHOWN).map((change) => (
          <Change key={change.path.join('\n')} change={change} />
        ))}
      </ul>
      {changes.length > MAX_SHOWN && (
        <p className="note">… and {changes.length - MAX_SHOWN} more</p>
      )}
    </>
  )
}

function Change({ change }: { readonly change: DocumentChange }): ReactElement {
  const { path, before, after } = change
  return (
    <li>
      <span className="path" title={path.join(' / ')}>
        {tellPath(path)}
      </span>
      {before !== undefined && (
        <del>
          <span className="visually-hidden">was </span>
          {tellValue(before)}
        </del>
      )}
      {after !== undefined && (
        <ins>
          <span className="visually-hidden">{before === undefined ? 'new ' : 'is '}</span>
          {tellValue(after)}
        </ins>
      )}
    </li>
  )
}
