import { readdirSync, readFileSync } from 'node:fs'
import { PROTOCOL, type JsonObject } from '@flushout/core'

/**
 * Text, or pieces of it, some of them many times over: a hundred thousand
 * brackets in a line. Where `count` has a `#`, each has its own number.
 */
type Text = string | readonly Piece[]
type Piece =
  | string
  | { readonly repeat: string; readonly times: number }
  | { readonly count: string; readonly times: number }

/** One hostile message of test/hostile, and what must be answered. */
export interface HostileCase {
  readonly name: string
  readonly about: string
  /** The commands of an otherwise good flush, as text. */
  readonly commandsText?: Text
  /** The same in bytes, as hexadecimal numbers. */
  readonly hexCommands?: readonly string[]
  /** Fields of the flush that are not as in a good one. */
  readonly flush?: JsonObject
  /** The whole body. */
  readonly body?: Text
  readonly hex?: string
  /** A path to GET instead. */
  readonly get?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The refusal; without it, the flush is accepted. */
  readonly answer?: { readonly status: number; readonly code: string; readonly says?: string }
  /** For each command of an accepted flush: `applied`, or the code of its refusal. */
  readonly verdicts?: readonly string[]
  /** The same where all are equal. */
  readonly allVerdicts?: string
  /** What core says of the commands, where the route refuses the whole flush. */
  readonly core?: readonly string[]
  /** The document afterwards. */
  readonly document?: JsonObject
  /** The same as text, where the order of keys is what counts. */
  readonly documentText?: string
}

/** The document that every case starts from. */
export const START: JsonObject = {
  todos: { milk: { text: 'Milk' } },
  list: [1, 2],
  title: 'x',
}

/** A flush with nothing wrong. */
export const GOOD = { protocol: PROTOCOL, clientId: 'eve', sequence: 1, from: 0, hash: '' } as const

const folder = new URL('../../../../test/hostile/', import.meta.url)

/** All cases, each named after its file and itself. */
export function readCorpus(): HostileCase[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  return files.flatMap((file) => {
    const cases = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as HostileCase[]
    return cases.map((one) => ({ ...one, name: `${file.slice(0, -5)}: ${one.name}` }))
  })
}

/** The commands of a case as they are sent; undefined if it is not about commands. */
export function commandsText({ commandsText: text, flush }: HostileCase): string | undefined {
  if (text !== undefined) return expand(text)
  return flush?.['commands'] === undefined ? undefined : JSON.stringify(flush['commands'])
}

/** The body of a case as it is sent. */
export function bodyOf(one: HostileCase): Buffer {
  if (one.hex !== undefined) return Buffer.from(one.hex, 'hex')
  if (one.body !== undefined) return Buffer.from(expand(one.body))
  const { commands: _, ...fields } = { ...GOOD, ...one.flush } as JsonObject
  const commands = one.hexCommands
    ? Buffer.from(one.hexCommands.join(''), 'hex')
    : Buffer.from(commandsText(one) ?? '[]')
  const head = Buffer.from(`${JSON.stringify(fields).slice(0, -1)},"commands":`)
  return Buffer.concat([head, commands, Buffer.from('}')])
}

function expand(text: Text): string {
  if (typeof text === 'string') return text
  return text.map(expandPiece).join('')
}

function expandPiece(piece: Piece): string {
  if (typeof piece === 'string') return piece
  if ('repeat' in piece) return piece.repeat.repeat(piece.times)
  const numbers = Array.from({ length: piece.times }, (_, index) => `${index}`)
  return numbers.map((number) => piece.count.replace('#', number)).join('')
}
