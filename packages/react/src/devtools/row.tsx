import { useState, type ReactElement, type ReactNode } from 'react'
import type { Rove } from './use-rove.ts'

const MAX_DETAIL = 20_000

interface RowProps {
  readonly id: string
  readonly rove: Rove
  readonly className?: string
  /** What it says at a glance. */
  readonly children: ReactNode
  /** What it says when it is opened, as JSON. */
  readonly detail: unknown
  /** What can be done with it then. */
  readonly actions?: ReactNode
}

/** A line of a list that opens to show all of it. */
export function Row({ id, rove, className, children, detail, actions }: RowProps): ReactElement {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <li className={className}>
      <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
        <summary {...rove.part(id)}>{children}</summary>
        {isOpen && (
          <div className="opened">
            {actions}
            <pre>{tellDetail(detail)}</pre>
          </div>
        )}
      </details>
    </li>
  )
}

function tellDetail(detail: unknown): string {
  const text = JSON.stringify(detail, undefined, 2)
  if (text.length <= MAX_DETAIL) return text
  return `${text.slice(0, MAX_DETAIL)}\n… and ${text.length - MAX_DETAIL} more characters`
}
