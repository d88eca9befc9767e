import { useState, type FocusEvent, type KeyboardEvent } from 'react'

/** Lets the arrows move the focus among the parts of a list, of which Tab reaches one. */
export interface Rove {
  /** For the element around them. */
  readonly list: {
    readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void
    readonly onFocus: (event: FocusEvent<HTMLElement>) => void
  }
  /** For the part called `id`. */
  readonly part: (id: string) => { readonly 'data-part': string; readonly tabIndex: 0 | -1 }
}

/** Of `ids`, Tab leads to the one that had the focus last, or else to `first`, or the first. */
export function useRove(ids: readonly string[], first?: string): Rove {
  const [last, setLast] = useState<string>()
  const current = last !== undefined && ids.includes(last) ? last : (first ?? ids[0])
  return {
    list: {
      onKeyDown(event) {
        const parts = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-part]')]
        // A field or an opened part has its own use for arrows.
        const at = parts.indexOf(event.target as HTMLElement)
        const next = at < 0 ? undefined : parts[stepTo(event.key, at, parts.length)]
        if (!next) return
        event.preventDefault()
        next.focus()
      },
      onFocus({ target }) {
        const { part } = target.dataset
        if (part !== undefined) setLast(part)
      },
    },
    part: (id) => ({ 'data-part': id, tabIndex: id === current ? 0 : -1 }),
  }
}

function stepTo(key: string, at: number, length: number): number {
  switch (key) {
    case 'ArrowDown':
    case 'ArrowRight':
      return (at + 1) % length
    case 'ArrowUp':
    case 'ArrowLeft':
      return (at + length - 1) % length
    case 'Home':
      return 0
    case 'End':
      return length - 1
    default:
      return -1
  }
}
