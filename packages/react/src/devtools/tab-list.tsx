import type { ReactElement } from 'react'
import { useRove } from './use-rove.ts'

/** One view that can be shown. */
export interface Tab {
  readonly id: string
  readonly label: string
}

interface TabListProps {
  readonly tabs: readonly Tab[]
  readonly shown: string
  readonly onShow: (id: string) => void
}

/** The names of the views; the arrows go from one to the next and show it. */
export function TabList({ tabs, shown, onShow }: TabListProps): ReactElement {
  const rove = useRove(
    tabs.map(({ id }) => id),
    shown,
  )
  return (
    <div className="tabs" role="tablist" aria-label="Views" {...rove.list}>
      {tabs.map(({ id, label }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`tab-${id}`}
          aria-selected={id === shown}
          aria-controls={id === shown ? `view-${id}` : undefined}
          {...rove.part(id)}
          tabIndex={id === shown ? 0 : -1}
          onClick={() => onShow(id)}
          onFocus={() => onShow(id)}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
