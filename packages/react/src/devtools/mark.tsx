import type { ReactElement } from 'react'

/** The sign of the panel: commands on their way down to where they are kept. */
export function Mark(): ReactElement {
  return (
    <svg className="mark" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M4 4h12M4 8h8M10 11v6M7 14.5 10 17.5 13 14.5" />
    </svg>
  )
}
