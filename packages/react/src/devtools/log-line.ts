import type { ClientEvent, FlushoutError, ModelStatus } from '@flushout/client'
import type { Flush } from '@flushout/core'

/** One line of the log of a client: something that went on with one of its models. */
export type LogLine = LogLineKind & {
  /** Of the line; higher for what began later. */
  readonly id: number
  /** Of the model. */
  readonly key: string
  /** When it began, in milliseconds since 1970. */
  readonly at: number
}

type Told<Kind extends ClientEvent['kind']> = Omit<
  Extract<ClientEvent, { kind: Kind }>,
  'key' | 'at'
>

type LogLineKind =
  | Exchanged
  | Told<'heard'>
  | Told<'rebased'>
  | Told<'settled'>
  | {
      readonly kind: 'state'
      readonly from: ModelStatus['state']
      readonly to: ModelStatus['state']
      readonly error: FlushoutError | undefined
    }

/** A load or a flush, and what came of it. */
export interface Exchanged {
  readonly kind: 'exchange'
  /** Undefined for a load; without commands where news were asked for. */
  readonly flush: Flush | undefined
  /** Undefined while it is under way. */
  readonly durationMs: number | undefined
  /** As it came, without the document. */
  readonly answer: unknown
  readonly error: FlushoutError | undefined
}
