import { useEffect, useRef, useState, type KeyboardEvent, type ReactElement } from 'react'
import { CommandsView } from './commands-view.tsx'
import { LogView } from './log-view.tsx'
import { Mark } from './mark.tsx'
import type { ModelChoice } from './model-choice.ts'
import { ModelList } from './model-list.tsx'
import type { RecordedClient } from './recorders.ts'
import { ReportBar } from './report-bar.tsx'
import { ResizeHandle } from './resize-handle.tsx'
import { readSetting, writeSetting } from './settings.ts'
import { StatusStrip } from './status-strip.tsx'
import { TabList, type Tab } from './tab-list.tsx'
import { VersionsView } from './versions-view.tsx'

interface PanelProps {
  readonly clients: readonly RecordedClient[]
  readonly takesFocus: boolean
  readonly onClose: () => void
}

const WIDE = '(min-width: 40rem)'

/** The panel at the bottom of the page. */
export function Panel({ clients, takesFocus, onClose }: PanelProps): ReactElement {
  const [height, setHeight] = useState(() => readSetting('height') ?? (isWide() ? 45 : 72))
  const [isReporting, setIsReporting] = useState(false)
  const panel = useRef<HTMLElement>(null)
  const reportButton = useRef<HTMLButtonElement>(null)
  const choices = clients.flatMap((client) =>
    client.models.map((watched): ModelChoice => ({ client, watched })),
  )
  const [chosen, choose] = useState<string>()
  const shown = choices.find((choice) => nameOf(choice) === chosen) ?? choices[0]

  useEffect(() => {
    if (takesFocus) panel.current?.focus()
  }, [takesFocus])

  const endReport = () => {
    setIsReporting(false)
    // What had the focus goes with it.
    reportButton.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return
    // The page may have its own idea of this key.
    event.stopPropagation()
    if (isReporting) endReport()
    else onClose()
  }
  const resize = (percent: number) => {
    setHeight(percent)
    writeSetting('height', percent)
  }

  return (
    <>
      {/* So that the end of the page can be scrolled to above the panel. */}
      <div style={{ height: `${height}dvh` }} />
      <section
        className="panel"
        aria-label="Flushout devtools"
        ref={panel}
        tabIndex={-1}
        style={{ height: `${height}dvh` }}
        onKeyDown={onKeyDown}
      >
        <ResizeHandle percent={height} onResize={resize} />
        <header className="bar">
          <h2>
            <Mark />
            Flushout
          </h2>
          <button
            type="button"
            ref={reportButton}
            aria-expanded={isReporting}
            onClick={() => setIsReporting(!isReporting)}
          >
            Bug report
          </button>
          <button type="button" className="close" aria-label="Close devtools" onClick={onClose}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M3.5 3.5l9 9m0-9l-9 9" />
            </svg>
          </button>
        </header>
        {isReporting && <ReportBar clients={clients} onSaved={endReport} />}
        {shown ? (
          <div className="body">
            <ModelList
              clients={clients}
              shown={nameOf(shown)}
              nameOf={nameOf}
              onChoose={(choice) => choose(nameOf(choice))}
            />
            <ModelDetail key={nameOf(shown)} {...shown} />
          </div>
        ) : (
          <p className="empty">
            No model is in memory. One comes here when a component or a call asks for it.
          </p>
        )}
      </section>
    </>
  )
}

function nameOf({ client, watched }: ModelChoice): string {
  return `${client.name} ${watched.model.key}`
}

function isWide(): boolean {
  return typeof matchMedia !== 'function' || matchMedia(WIDE).matches
}

const TABS: readonly Tab[] = [
  { id: 'commands', label: 'Commands' },
  { id: 'log', label: 'Log' },
  { id: 'versions', label: 'Versions' },
]

function ModelDetail({ client, watched }: ModelChoice): ReactElement {
  const [tab, setTab] = useState(() => readSetting('tab') ?? 'commands')
  const [count, setCount] = useState<number>()
  const { model, status } = watched

  const openTab = (id: string) => {
    setTab(id)
    writeSetting('tab', id)
  }
  const openVersion = (version: number) => {
    setCount(version)
    openTab('versions')
  }

  return (
    <div className="detail">
      <StatusStrip status={status} />
      <TabList tabs={TABS} shown={tab} onShow={openTab} />
      <div role="tabpanel" id={`view-${tab}`} aria-labelledby={`tab-${tab}`} className="view">
        {tab === 'commands' && <CommandsView watched={watched} onOpenVersion={openVersion} />}
        {tab === 'log' && <LogView client={client} model={model} />}
        {tab === 'versions' && (
          <VersionsView watched={watched} chosen={count} onChoose={setCount} />
        )}
      </div>
    </div>
  )
}
