import { FlushoutError, type ErrorCode, type LiveEvent, type Position } from '@flushout/core'
import { LiveConnection } from './live-connection.ts'
import type { Environment } from './environment.ts'
import type { ModelControl } from './model-control.ts'
import type { LiveTransport } from './transport.ts'

export interface LiveModelsOptions {
  readonly live: LiveTransport
  readonly environment: Environment
  /** The models that are kept current, by key. */
  readonly controls: () => Iterable<readonly [string, ModelControl]>
  readonly find: (key: string) => ModelControl | undefined
}

/** Make the live connection of a client, which brings its models what others did. */
export function connectModels({
  live,
  environment,
  controls,
  find,
}: LiveModelsOptions): LiveConnection {
  const connection: LiveConnection = new LiveConnection({
    live,
    environment,
    onChange() {
      for (const [key, control] of controls()) {
        const isJoining = control.position() && connection.isConnecting
        control.carry(connection.carrierOf(key) ?? (isJoining ? 'joining' : undefined))
      }
    },
  })
  connection.add({
    request() {
      const models: Record<string, Position> = {}
      for (const [key, control] of controls()) {
        const position = control.position()
        if (position) models[key] = position
      }
      return { models }
    },
    opened() {
      for (const [, { loop }] of controls()) loop.retry()
    },
    hear: (event) => hear(event, find),
    lost(error) {
      if (!error) return
      for (const [key, { loop }] of controls()) if (connection.carrierOf(key)) loop.lost(error)
    },
  })
  return connection
}

function hear(event: LiveEvent, find: (key: string) => ModelControl | undefined): void {
  if (event.event === 'updates') find(event.key)?.hear(event, event)
  else if (event.event === 'heads') {
    for (const [key, head] of Object.entries(event.heads)) find(key)?.hear(head)
  } else if (event.event === 'refused') {
    const { code, message, ...what } = event
    find(event.models)?.refuse(new FlushoutError(code as ErrorCode, message, what))
  }
}
