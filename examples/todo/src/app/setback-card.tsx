import type { Model } from '@flushout/client'
import { useSyncStatus } from '@flushout/react'
import { useState } from 'react'
import type { TodoList } from '../todo-list.ts'

/** Says that what was saved may be gone, since the server has another past than before. */
export function SetbackCard({ model }: { readonly model: Model<TodoList> }) {
  const { historyChanges } = useSyncStatus(model)
  const [seen, setSeen] = useState(0)
  if (historyChanges === seen) return null
  return (
    <div className="lost setback" role="alert">
      <p>
        <strong>The server was put back to an earlier state.</strong> Changes that were saved before
        may be missing here. Those that were not saved yet are kept.
      </p>
      <div className="actions">
        <button type="button" onClick={() => setSeen(historyChanges)}>
          Dismiss
        </button>
      </div>
    </div>
  )
}
