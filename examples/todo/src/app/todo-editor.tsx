import type { Receipt } from '@flushout/client'
import { useEffect, useRef, useState } from 'react'
import type { Todo } from '../todo-list.ts'
import { TextField } from './text-field.tsx'

interface TodoEditorProps {
  /** As it is now: others may change or delete it meanwhile. */
  readonly todo: Todo | undefined
  readonly draft: string
  readonly onSave: (text: string) => Receipt
  readonly onClose: () => void
}

/** The text of a todo while it is being changed. News from others never touch the draft. */
export function TodoEditor({ todo, draft, onSave, onClose }: TodoEditorProps) {
  const [text, setText] = useState(draft)
  const [original] = useState(todo?.text)
  const [problem, setProblem] = useState<string>()
  const field = useRef<HTMLTextAreaElement>(null)

  useEffect(() => field.current?.select(), [])

  const save = () => {
    const trimmed = text.trim()
    // Untouched: to save it would undo what others wrote meanwhile.
    if (todo && trimmed === original) return onClose()
    const { ok, rejection } = onSave(trimmed)
    if (ok) return onClose()
    setProblem(rejection?.message)
    field.current?.focus()
  }

  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <TextField
        ref={field}
        label={`Text of ${original ?? draft}`}
        value={text}
        onChange={(next) => {
          setText(next)
          setProblem(undefined)
        }}
        onEnter={save}
        onEscape={onClose}
        problem={problem}
      />
      {!todo && <p role="alert">Deleted elsewhere meanwhile. Save adds it again.</p>}
      {todo && todo.text !== original && (
        <p role="alert">Changed elsewhere meanwhile: “{todo.text}”. Save replaces that.</p>
      )}
      <div className="actions">
        <button type="submit" className="primary">
          Save
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  )
}
