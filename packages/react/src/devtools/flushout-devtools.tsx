import type { Client } from '@flushout/client'
import {
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactElement,
} from 'react'
import { useClient } from '../provider.ts'
import { Launcher } from './launcher.tsx'
import { Panel } from './panel.tsx'
import { Recorders } from './recorders.ts'
import { readSetting, writeSetting } from './settings.ts'
import { ShadowHost } from './shadow-host.tsx'

export interface FlushoutDevtoolsProps {
  /** Whose models to show; that of the nearest `FlushoutProvider` when left out. */
  readonly client?: Client
  /** Several by name, where a page has more than one. */
  readonly clients?: Readonly<Record<string, Client>>
}

/**
 * A button at the bottom of the page that opens a panel: the models of the client, their
 * commands, what goes on between them and the server, and any version of their documents.
 * Takes notes from the moment it is rendered. For development: it shows all that the client
 * knows to whoever looks at the screen.
 */
export function FlushoutDevtools({ client, clients }: FlushoutDevtoolsProps): ReactElement {
  if (clients) return <Devtools clients={clients} />
  return client ? <OfOne client={client} /> : <OfProvider />
}

function OfProvider(): ReactElement {
  return <OfOne client={useClient()} />
}

function OfOne({ client }: { readonly client: Client }): ReactElement {
  return <Devtools clients={useMemo(() => ({ '': client }), [client])} />
}

function Devtools({
  clients,
}: {
  readonly clients: Readonly<Record<string, Client>>
}): ReactElement {
  const stable = useStableRecord(clients)
  const recorders = useMemo(() => new Recorders(stable), [stable])
  const recorded = useSyncExternalStore(recorders.subscribe, recorders.getView, recorders.getView)
  // What was opened or closed by hand takes the focus along; a reload does not.
  const [{ isOpen, isByHand }, setOpen] = useState(() => ({
    isOpen: readSetting('open') === true,
    isByHand: false,
  }))
  const launcher = useRef<HTMLButtonElement>(null)

  const move = (isToOpen: boolean) => {
    writeSetting('open', isToOpen)
    setOpen({ isOpen: isToOpen, isByHand: true })
  }
  useEffect(() => {
    if (!isOpen && isByHand) launcher.current?.focus()
  }, [isOpen, isByHand])

  return (
    <ShadowHost>
      {isOpen ? (
        <Panel clients={recorded} takesFocus={isByHand} onClose={() => move(false)} />
      ) : (
        <>
          {/* So that the end of the page can be scrolled to above the button. */}
          <div className="room" />
          <Launcher clients={recorded} button={launcher} onOpen={() => move(true)} />
        </>
      )}
    </ShadowHost>
  )
}

/** The same object while the clients and their names are. */
function useStableRecord<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  const [kept, keep] = useState(record)
  const isSame =
    Object.keys(kept).join('\n') === Object.keys(record).join('\n') &&
    Object.entries(record).every(([name, value]) => kept[name] === value)
  if (!isSame) keep(record)
  return kept
}
