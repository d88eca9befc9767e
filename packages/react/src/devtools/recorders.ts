import type { Client } from '@flushout/client'
import { recorderOf, type Recorder, type RecorderView } from './recorder.ts'

/** What is known of one of the clients. */
export interface RecordedClient extends RecorderView {
  /** '' where there is only one. */
  readonly name: string
  readonly recorder: Recorder
}

/** The recorders of all clients as one store, for `useSyncExternalStore`. */
export class Recorders {
  readonly #recorders: readonly (readonly [string, Recorder])[]
  #view: readonly RecordedClient[] = []

  constructor(clients: Readonly<Record<string, Client>>) {
    this.#recorders = Object.entries(clients).map(([name, client]) => [name, recorderOf(client)])
  }

  subscribe = (listener: () => void): (() => void) => {
    const stops = this.#recorders.map(([, recorder]) => recorder.subscribe(listener))
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** The same object until something in it is another. */
  getView = (): readonly RecordedClient[] => {
    const view = this.#recorders.map(([name, recorder], index) => {
      const { models, lines } = recorder.getView()
      const before = this.#view[index]
      const isSame = before?.models === models && before.lines === lines
      return isSame ? before : { name, recorder, models, lines }
    })
    const isSame =
      view.length === this.#view.length && view.every((one, index) => one === this.#view[index])
    if (!isSame) this.#view = view
    return this.#view
  }
}
