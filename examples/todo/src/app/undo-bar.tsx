import type { Command, Model } from '@flushout/client'
import { useUndo } from '@flushout/react'
import { useEffect, useRef } from 'react'
import type { TodoList } from '../todo-list.ts'

interface UndoBarProps {
  readonly model: Model<TodoList>
  readonly announce: (message: string) => void
}

/** Takes back and does again what was done here; by Ctrl+Z and Shift+Ctrl+Z in this panel, too. */
export function UndoBar({ model, announce }: UndoBarProps) {
  const { undo, redo, canUndo, canRedo, label, redoLabel } = useUndo(model, { describe })
  const bar = useRef<HTMLDivElement>(null)

  const revert = (word: string, once: typeof undo) => {
    const result = once()
    if (!result) return announce(`Nothing to ${word.toLowerCase()}`)
    const why = result.skipped.length > 0 ? ' only where nobody else has changed it' : ''
    announce(`${word}: ${result.label}${why}`)
  }
  const latest = useRef(revert)
  useEffect(() => {
    latest.current = revert
  })

  useEffect(() => {
    const panel = bar.current?.closest<HTMLElement>('.panel')
    const onKeyDown = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase()
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isText(event.target)) return
      const isRedo = (key === 'z' && event.shiftKey) || (key === 'y' && event.ctrlKey)
      if (key !== 'z' && !isRedo) return
      event.preventDefault()
      if (isRedo) latest.current('Redo', redo)
      else latest.current('Undo', undo)
    }
    panel?.addEventListener('keydown', onKeyDown)
    return () => panel?.removeEventListener('keydown', onKeyDown)
  }, [undo, redo])

  // Not disabled: whoever has pressed it keeps the focus there.
  return (
    <div className="undo" ref={bar}>
      <button
        type="button"
        aria-disabled={!canUndo}
        aria-label={canUndo ? `Undo: ${label}` : 'Undo'}
        title={canUndo ? `${label} (Ctrl+Z)` : 'Ctrl+Z'}
        onClick={() => revert('Undo', undo)}
      >
        Undo
      </button>
      <button
        type="button"
        aria-disabled={!canRedo}
        aria-label={canRedo ? `Redo: ${redoLabel}` : 'Redo'}
        title={canRedo ? `${redoLabel} (Shift+Ctrl+Z)` : 'Shift+Ctrl+Z'}
        onClick={() => revert('Redo', redo)}
      >
        Redo
      </button>
    </div>
  )
}

/** Whether the key belongs to a text that is being written. */
function isText(target: EventTarget | null): boolean {
  const isField =
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLInputElement && target.type === 'text')
  return isField && target.value !== ''
}

function describe(command: Command): string {
  if (command.action === 'delete') return 'Delete a todo'
  const { text, done } = command.props ?? {}
  if (typeof text === 'string') return `${command.action === 'create' ? 'Add' : 'Edit to'} ${text}`
  return done === true ? 'Tick off' : 'Untick'
}
