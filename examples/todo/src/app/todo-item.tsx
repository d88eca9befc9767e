import type { Model } from '@flushout/client'
import { useNode } from '@flushout/react'
import { useRef } from 'react'
import { flushSync } from 'react-dom'
import type { TodoList } from '../todo-list.ts'
import { CreatedAt } from './created-at.tsx'
import { LostEditCard } from './lost-edit-card.tsx'
import type { LostEdit } from './lost-edits.ts'
import { Writers } from './people.tsx'
import { TodoEditor } from './todo-editor.tsx'

interface TodoItemProps {
  readonly id: string
  readonly model: Model<TodoList>
  /** What is being typed, if anything is. */
  readonly draft: string | undefined
  readonly lost: LostEdit | undefined
  readonly onEdit: (id: string, draft: string) => void
  readonly onEditEnd: (id: string) => void
  readonly announce: (message: string) => void
}

/** One todo. When it changes, it renders, and none of the others do. */
export function TodoItem(props: TodoItemProps) {
  const { id, model, draft, lost, onEdit, onEditEnd, announce } = props
  const [todo, node] = useNode(model, ['todos', id])
  const item = useRef<HTMLLIElement>(null)
  const focus = (selector: string) => item.current?.querySelector<HTMLElement>(selector)?.focus()

  const endEdit = () => {
    if (!todo) focusBeside(item.current!)
    flushSync(() => onEditEnd(id))
    if (todo) focus('.edit')
  }

  const save = (text: string) => {
    const receipt = todo
      ? node.update({ text })
      : model.create(['todos'], { text, done: lost?.done ?? false })
    if (receipt.ok) lost?.dismiss()
    return receipt
  }

  const remove = () => {
    focusBeside(item.current!)
    node.delete()
    announce(`Deleted ${todo?.text}`)
  }

  const leaveCard = () => {
    if (todo) focus('.edit')
    else focusBeside(item.current!)
  }

  const dismiss = () => {
    leaveCard()
    lost?.dismiss()
  }

  const retry = () => {
    leaveCard()
    if (todo || lost?.action === 'create') return lost?.retry()
    // To do it to what is gone would be refused again.
    model.create(['todos'], { text: lost?.text ?? '', done: lost?.done ?? false })
    lost?.dismiss()
  }

  // A tick for a todo that is gone is nothing that could be done again.
  const canRetry = todo || lost?.text !== undefined

  return (
    <li
      className="todo"
      ref={item}
      data-id={id}
      data-done={todo?.done}
      data-lost={lost !== undefined}
    >
      <Writers model={model} id={id} />
      {draft !== undefined && (
        <TodoEditor todo={todo} draft={draft} onSave={save} onClose={endEdit} />
      )}
      {draft === undefined && todo && (
        <div className="row">
          <input
            type="checkbox"
            aria-label={`Done: ${todo.text}`}
            checked={todo.done}
            onChange={(event) => node.update({ done: event.target.checked })}
          />
          <span className="text" onDoubleClick={() => onEdit(id, todo.text)}>
            {todo.text}
          </span>
          <CreatedAt at={todo.createdAt} />
          <button
            type="button"
            className="icon edit"
            aria-label={`Edit ${todo.text}`}
            title="Edit"
            onClick={() => onEdit(id, todo.text)}
          >
            <Icon path="M4 20h4L19 9l-4-4L4 16zM13 7l4 4" />
          </button>
          <button
            type="button"
            className="icon delete"
            aria-label={`Delete ${todo.text}`}
            title="Delete"
            onClick={remove}
          >
            <Icon path="M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5" />
          </button>
        </div>
      )}
      {lost && draft === undefined && (
        <LostEditCard
          edit={lost}
          onRetry={canRetry ? retry : undefined}
          onEdit={lost.text === undefined ? undefined : () => onEdit(id, lost.text!)}
          onDismiss={dismiss}
        />
      )}
    </li>
  )
}

/** Before an item goes, move the focus to its neighbour, or to the field for a new one. */
function focusBeside(item: HTMLLIElement): void {
  const neighbour = item.nextElementSibling ?? item.previousElementSibling
  const target =
    neighbour?.querySelector<HTMLElement>('.delete') ??
    neighbour?.querySelector<HTMLElement>('button') ??
    item.closest('.panel')?.querySelector<HTMLElement>('.add textarea')
  target?.focus()
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  )
}
