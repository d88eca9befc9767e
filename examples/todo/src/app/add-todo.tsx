import type { Model } from '@flushout/client'
import { useRef, useState } from 'react'
import type { TodoList } from '../todo-list.ts'
import { TextField } from './text-field.tsx'

interface AddTodoProps {
  readonly model: Model<TodoList>
  readonly onAdded: (id: string, text: string) => void
}

/** The line for the next todo. The text stays until it is accepted. */
export function AddTodo({ model, onAdded }: AddTodoProps) {
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string>()
  const field = useRef<HTMLTextAreaElement>(null)

  const add = () => {
    field.current?.focus()
    const trimmed = text.trim()
    const receipt = model.create(['todos'], { text: trimmed, done: false })
    setProblem(receipt.rejection?.message)
    if (!receipt.ok) return
    setText('')
    onAdded(receipt.id, trimmed)
  }

  return (
    <form
      className="add"
      onSubmit={(event) => {
        event.preventDefault()
        add()
      }}
    >
      <TextField
        ref={field}
        label="New todo"
        placeholder="What is to be done?"
        value={text}
        onChange={(next) => {
          setText(next)
          setProblem(undefined)
        }}
        onEnter={add}
        problem={problem}
      />
      <button type="submit" className="primary">
        Add
      </button>
    </form>
  )
}
