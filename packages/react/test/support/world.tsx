// A master, a network that a test can take down, and one client in front of it.
// Everything is real but the clock and the wire.
import { createClient, directTransport, type Client, type FlushTiming } from '@flushout/client'
import {
  FlushoutError,
  type Interceptor,
  type JsonObject,
  type Snapshot,
  type User,
} from '@flushout/core'
import type { ModelDefinition } from '@flushout/core/define'
import { World as Backend } from '@flushout/core/testing'
import { FlushoutProvider } from '@flushout/react'
import { act, render } from '@testing-library/react'
import { Component, Profiler, Suspense, type ReactNode } from 'react'
import { Clock, settled } from './clock.ts'
import { Line } from './line.ts'

export interface Todo {
  text: string
  done?: boolean
}

export interface TodoList {
  title: string
  todos: { [id: string]: Todo }
}

export const KEY = 'todos:groceries'

export const GROCERIES: TodoList = {
  title: 'Groceries',
  todos: { a: { text: 'milk', done: false }, b: { text: 'bread', done: false } },
}

const open: World[] = []

/** End what tests have left running. */
export function closeWorlds(): void {
  for (const world of open.splice(0)) world.client.close()
}

export interface WorldOptions {
  readonly flush?: FlushTiming
  readonly interceptors?: readonly Interceptor[]
  /** Whether clients hear of others without asking. */
  readonly isLive?: boolean
  /** What its clients know of the models, and who uses them. */
  readonly models?: readonly ModelDefinition[]
  readonly user?: User
}

export class World {
  readonly clock: Clock = new Clock()
  readonly client: Client
  readonly backends = new Map<string, Backend>()
  readonly line: Line | undefined
  /** `down`: exchanges fail. `silent`: they are answered by `answer`, if ever. */
  network: 'up' | 'down' | 'silent' = 'up'
  /** How many exchanges were tried, loads included. */
  exchanges = 0
  readonly #known: Pick<WorldOptions, 'models' | 'user'>
  #silence = Promise.withResolvers<void>()

  constructor(
    documents: Record<string, object> = { [KEY]: GROCERIES },
    options: WorldOptions = {},
  ) {
    const { models, user } = options
    this.#known = { ...(models && { models }), ...(user && { user }) }
    for (const [key, document] of Object.entries(documents)) this.add(key, document, options)
    this.line = options.isLive ? new Line() : undefined
    this.client = this.createClient(options.flush)
    open.push(this)
  }

  /** Another client, as in another tab or on the server. Closed by whoever asked. */
  createClient(flush: FlushTiming = { mode: 'manual' }): Client {
    const direct = directTransport({
      snapshot: (key) => this.#exchange((): Snapshot => this.backend(key).master.snapshot()),
      flush: (key, flushed) =>
        this.#exchange(() =>
          this.backend(key).master.apply(flushed, {
            user: { id: 'ada' },
            now: this.clock.now(),
            seed: `${flushed.clientId}:${flushed.sequence}`,
          }),
        ),
    })
    const transport = { ...direct, ...(this.line && { live: this.line }) }
    return createClient({ transport, flush, environment: this.clock, ...this.#known })
  }

  /** Create a model on the server. */
  add(key: string, document: object, { interceptors = [] }: WorldOptions = {}): void {
    this.backends.set(key, new Backend(document as JsonObject, { master: { interceptors } }))
  }

  backend(key: string = KEY): Backend {
    const backend = this.backends.get(key)
    if (!backend) throw new FlushoutError('MODEL_NOT_FOUND', `There is no model ${key}.`)
    return backend
  }

  /** What the master holds. */
  get document(): TodoList {
    return this.backend().master.read() as unknown as TodoList
  }

  /** End a silence: answer what came in during it. */
  async answer(): Promise<void> {
    this.network = 'up'
    this.#silence.resolve()
    this.#silence = Promise.withResolvers()
    await settled()
  }

  #exchange<T>(answer: () => T): T | Promise<T> {
    this.exchanges += 1
    if (this.network === 'silent') return this.#silence.promise.then(answer)
    if (this.network === 'down') throw new FlushoutError('NETWORK', 'The network is down.')
    return answer()
  }

  /** Show `page` under provider, Suspense and error boundary, loaded if the network allows. */
  show(page: ReactNode) {
    return act(async () => render(this.page(page), { onCaughtError: () => {} }))
  }

  /** `page` as `show` shows it, to give to `rerender`. */
  page(page: ReactNode): ReactNode {
    return <Page client={this.client}>{page}</Page>
  }
}

export function Page({ client, children }: { client: Client; children: ReactNode }): ReactNode {
  return (
    <FlushoutProvider client={client}>
      <Boundary>
        <Suspense fallback={<p>Loading</p>}>{children}</Suspense>
      </Boundary>
    </FlushoutProvider>
  )
}

/** Shows the code and message of what was thrown below it, and a way to try again. */
export class Boundary extends Component<
  { children: ReactNode },
  { error: FlushoutError | undefined }
> {
  override state: { error: FlushoutError | undefined } = { error: undefined }

  static getDerivedStateFromError(error: FlushoutError): { error: FlushoutError } {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <>
        <p role="alert">{`${error.code}: ${error.message}`}</p>
        <button onClick={() => this.setState({ error: undefined })}>Try again</button>
      </>
    )
  }
}

/** Counts how often what is below a `Counted` was rendered, by its name. */
export class Renders {
  #counts: Record<string, number> = {}

  add = (name: string): void => {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1
  }

  /** The counts since the last call. */
  take(): Record<string, number> {
    const counts = this.#counts
    this.#counts = {}
    return counts
  }
}

export function Counted(props: { name: string; renders: Renders; children: ReactNode }): ReactNode {
  const { name, renders, children } = props
  return (
    <Profiler id={name} onRender={renders.add}>
      {children}
    </Profiler>
  )
}
