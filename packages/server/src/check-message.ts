import { FlushoutError, PROTOCOL, type Flush } from '@flushout/core'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { schemas, type Schema } from './schemas.ts'

// Of our own, so that no option of the application's Fastify can make it bend
// `true` into 1 or drop fields that it does not know.
const ajv = new Ajv2020({
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
  allowUnionTypes: true,
})
ajv.addVocabulary(['components'])
const isFlush = compileSchema({ $ref: '#/components/schemas/Flush' })

/** Make a check of messages; the schema may refer to those of the protocol. */
export function compileSchema(schema: Schema): ValidateFunction {
  return ajv.compile({ components: { schemas }, ...schema })
}

/** Throw FLUSH_INVALID, with the place of the fault, unless `value` passes the check. */
export function demand(check: ValidateFunction, value: unknown): void {
  if (!check(value)) throw invalid(check.errors?.[0])
}

/**
 * Throw unless `value` has the form of a flush: PROTOCOL_UNSUPPORTED if it is of
 * another version, FLUSH_TOO_LARGE for too many commands, FLUSH_INVALID with the
 * place of the fault for everything else.
 */
export function checkFlush(value: unknown, maxCommands: number): asserts value is Flush {
  checkProtocol(value)
  const { commands } = Object(value) as { commands?: unknown }
  if (Array.isArray(commands) && commands.length > maxCommands) {
    const message = `A flush holds at most ${maxCommands} commands, not ${commands.length}.`
    throw new FlushoutError('FLUSH_TOO_LARGE', message)
  }
  demand(isFlush, value)
  const { sequence, commands: sent } = value as Flush
  if (sequence > 0 || sent.length === 0) return
  throw new FlushoutError('FLUSH_INVALID', 'At "/sequence": must be >= 1 for commands.')
}

/** Throw PROTOCOL_UNSUPPORTED if `value` is a message of another version. */
export function checkProtocol(value: unknown): void {
  const { protocol } = Object(value) as { protocol?: unknown }
  if (!Number.isInteger(protocol) || protocol === PROTOCOL) return
  const message = `This server speaks protocol ${PROTOCOL}, not ${String(protocol)}.`
  throw new FlushoutError('PROTOCOL_UNSUPPORTED', message)
}

/** Throw FLUSH_INVALID unless `key` has the form of a model key. */
export function checkKey(key: unknown, maxLength: number): asserts key is string {
  if (typeof key !== 'string' || key === '' || key.length > maxLength) {
    const message = `A model key is a string of 1 to ${maxLength} characters.`
    throw new FlushoutError('FLUSH_INVALID', message)
  }
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(key) || !key.isWellFormed()) {
    throw new FlushoutError('FLUSH_INVALID', 'A model key holds no control characters.')
  }
}

function invalid(error: ErrorObject | undefined): FlushoutError {
  const { instancePath = '', message = 'is not understood', params = {} } = error ?? {}
  const name: unknown = params['additionalProperty']
  // Keys that the sender chose stand in it, of any length.
  const place = instancePath.slice(0, 300)
  const at = typeof name === 'string' ? `${place}/${name.slice(0, 60)}` : place
  return new FlushoutError('FLUSH_INVALID', `At "${at}": ${message}.`)
}
