import { useFlushout, usePresence, useRejections } from '@flushout/react'
import { useLayoutEffect, useRef, useState } from 'react'
import { idsInOrder, type ListKey } from '../todo-list.ts'
import { AddTodo } from './add-todo.tsx'
import { collectLostEdits } from './lost-edits.ts'
import type { PersonState } from './people.tsx'
import { SetbackCard } from './setback-card.tsx'
import { TodoItem } from './todo-item.tsx'
import { UndoBar } from './undo-bar.tsx'
import { useFadeIn } from './use-fade-in.ts'

interface Edit {
  readonly draft: string
  /** The todo above, to stay below it even when this one is deleted elsewhere. */
  readonly above: string | undefined
}

/** All todos of a list, in order of creation, with the line for the next. */
export function TodoItems({ modelKey }: { readonly modelKey: ListKey }) {
  // Renders when a todo comes or goes or moves; each item looks after itself.
  const [ids, model] = useFlushout(modelKey, idsInOrder)
  const lost = collectLostEdits(useRejections(model))
  const [edits, setEdits] = useState<ReadonlyMap<string, Edit>>(new Map())
  const [announcement, announce] = useState('')
  const list = useRef<HTMLUListElement>(null)
  const [added, setAdded] = useState<string>()
  useFadeIn(model, list)
  usePresence(model, { editing: [...edits.keys()].at(-1) } satisfies PersonState)

  const shown = showAlso([...edits], [...lost.keys()], ids)
  // A new todo is at the end, which may be out of sight.
  useLayoutEffect(() => {
    if (added) list.current?.lastElementChild?.scrollIntoView({ block: 'nearest' })
  }, [added])

  const edit = (id: string, draft: string) => {
    const above = shown[shown.indexOf(id) - 1]
    setEdits((now) => new Map(now).set(id, { draft, above }))
  }
  const endEdit = (id: string) => {
    setEdits((now) => new Map([...now].filter(([other]) => other !== id)))
  }

  return (
    <div>
      <UndoBar model={model} announce={announce} />
      <SetbackCard model={model} />
      {shown.length === 0 && <p className="hint">Nothing to do. Write the first todo below.</p>}
      <ul className="todos" ref={list} aria-label="Todos">
        {shown.map((id) => (
          <TodoItem
            key={id}
            id={id}
            model={model}
            draft={edits.get(id)?.draft}
            lost={lost.get(id)}
            onEdit={edit}
            onEditEnd={endEdit}
            announce={announce}
          />
        ))}
      </ul>
      <AddTodo
        model={model}
        onAdded={(id, text) => {
          setAdded(id)
          announce(`Added ${text}`)
        }}
      />
      <p className="visually-hidden" role="status">
        {announcement}
      </p>
    </div>
  )
}

/** The ids to show: also those that are gone, while somebody types into them or their text would be lost. */
function showAlso(
  edits: readonly (readonly [string, Edit])[],
  lost: readonly string[],
  ids: readonly string[],
): string[] {
  const shown = [...ids]
  for (const [id, { above }] of edits) {
    if (!shown.includes(id)) shown.splice(above === undefined ? 0 : shown.indexOf(above) + 1, 0, id)
  }
  for (const id of lost) {
    if (shown.includes(id)) continue
    // Ids ascend with time, so this is about where it was.
    const next = shown.findIndex((other) => other > id)
    shown.splice(next < 0 ? shown.length : next, 0, id)
  }
  return shown
}
