import type { KeyboardEvent, PointerEvent, ReactElement } from 'react'

interface ResizeHandleProps {
  /** Of the window. */
  readonly percent: number
  readonly onResize: (percent: number) => void
}

const [MIN, MAX, STEP] = [20, 92, 4]

/** The upper edge of the panel: drag it, or move it with the arrows. */
export function ResizeHandle({ percent, onResize }: ResizeHandleProps): ReactElement {
  const resize = (wanted: number) => onResize(Math.round(Math.min(MAX, Math.max(MIN, wanted))))
  const onKeyDown = (event: KeyboardEvent) => {
    const wanted = { ArrowUp: percent + STEP, ArrowDown: percent - STEP, Home: MIN, End: MAX }[
      event.key
    ]
    if (wanted === undefined) return
    event.preventDefault()
    resize(wanted)
  }
  const onPointerMove = ({ currentTarget, pointerId, clientY }: PointerEvent<HTMLElement>) => {
    if (currentTarget.hasPointerCapture(pointerId)) {
      resize(((innerHeight - clientY) / innerHeight) * 100)
    }
  }
  return (
    <div
      className="handle"
      role="separator"
      aria-label="Height of the devtools"
      aria-orientation="horizontal"
      aria-valuemin={MIN}
      aria-valuemax={MAX}
      aria-valuenow={percent}
      aria-valuetext={`${percent} percent of the window`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={({ currentTarget, pointerId }) => currentTarget.setPointerCapture(pointerId)}
      onPointerMove={onPointerMove}
    />
  )
}
