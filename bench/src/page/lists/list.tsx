import type { ReactElement, ReactNode } from 'react'

/** A list of todos that a library keeps, to be shown by React. */
export interface List {
  readonly element: ReactElement
  /** Have a master agree to all edits so far. */
  confirm?(): Promise<void>
  /** Have somebody else edit a todo. */
  hear?(id: string): Promise<void>
}

/** How often rows, and the list around them, were rendered since somebody looked. */
export const renders = { rows: 0, lists: 0 }

let edits = 0

/** What the next edit will write, other than all before. */
export function nextText(): string {
  return `Edited ${edits}`
}

/** A row that writes `nextText` when it is clicked. */
export function showRow(text: string, edit: (text: string) => void): ReactElement {
  renders.rows += 1
  const click = () => {
    const next = nextText()
    edits += 1
    edit(next)
  }
  return <li onClick={click}>{text}</li>
}

export function showList(rows: ReactNode): ReactElement {
  renders.lists += 1
  return <ul>{rows}</ul>
}
