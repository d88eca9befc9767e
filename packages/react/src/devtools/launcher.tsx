import type { ReactElement, RefObject } from 'react'
import { Mark } from './mark.tsx'
import type { RecordedClient } from './recorders.ts'
import { moodOf, tellCount } from './words.ts'

interface LauncherProps {
  readonly clients: readonly RecordedClient[]
  readonly button: RefObject<HTMLButtonElement | null>
  readonly onOpen: () => void
}

/** The button that opens the panel; it shows at a glance whether all is well. */
export function Launcher({ clients, button, onOpen }: LauncherProps): ReactElement {
  const statuses = clients.flatMap(({ models }) => models.map(({ status }) => status))
  const pending = statuses.reduce((sum, { queued, inFlight }) => sum + queued + inFlight, 0)
  const lost = statuses.reduce((sum, { rejected }) => sum + rejected, 0)
  const moods = statuses.map(moodOf)
  const mood = moods.includes('bad') ? 'bad' : moods.includes('calm') ? 'calm' : 'good'
  const troubled = moods.filter((one) => one === 'bad').length
  const news = [
    pending > 0 && `${tellCount(pending, 'command')} pending`,
    lost > 0 && `${lost} lost`,
    troubled > 0 && `${tellCount(troubled, 'model')} without the server`,
  ].filter(Boolean)
  return (
    <button
      type="button"
      className="launcher"
      ref={button}
      aria-label={['Open Flushout devtools', ...news].join(', ')}
      title={news.join(', ') || 'Flushout devtools'}
      onClick={onOpen}
    >
      <Mark />
      <span className="dot" data-mood={statuses.length > 0 ? mood : 'calm'} />
      {pending > 0 && <span className="badge">{pending}</span>}
      {lost > 0 && <span className="badge bad">{lost}</span>}
    </button>
  )
}
