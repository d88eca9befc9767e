import type { Command } from '../command.ts'
import { FlushoutError } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { FIRST_VERSION, type ModelVersions } from '../versions.ts'

/** What is said of a kind of models that is another by now than it was. */
export interface VersionsDescription {
  /** Of the form of the documents: one more each time that `migrate` gets a step. Default 1. */
  readonly version?: number
  /**
   * For each version from 2 on how a document of the version before becomes one of it: change
   * the document in place, or return another. Pure: the same document gives the same. A
   * version without a step has the documents of the one before.
   */
  readonly migrate?: {
    readonly [version: number]: (document: any) => object | void
  }
  /**
   * The same for a command that was given to the version before: return the command that does
   * the same now, with the `id` of a create, or undefined where there is none; its author is
   * told. A version without a step takes commands as they are.
   */
  readonly migrateCommand?: {
    readonly [version: number]: (command: Command) => Command | undefined
  }
  /**
   * The oldest version whose pages can go on with documents of this one. Those of older ones
   * are told to load the app anew, and keep their edits until then. Default `version`.
   */
  readonly oldestClient?: number
}

/** Make the steps one. Throws OPTIONS_INVALID for numbers that lead nowhere. */
export function completeVersions(
  pattern: string,
  {
    version = FIRST_VERSION,
    migrate = {},
    migrateCommand = {},
    oldestClient = version,
  }: VersionsDescription,
): ModelVersions | undefined {
  checkVersion(pattern, 'version', version, Number.MAX_SAFE_INTEGER)
  checkVersion(pattern, 'oldestClient', oldestClient, version)
  for (const name of [...Object.keys(migrate), ...Object.keys(migrateCommand)]) {
    checkVersion(pattern, 'step', Number(name), version)
    if (Number(name) === FIRST_VERSION) throw wrong(pattern, 'step', FIRST_VERSION)
  }
  if (version === FIRST_VERSION) return undefined
  return Object.freeze({
    version,
    oldestClient,
    migrate(document: JsonObject, from: number) {
      // Whoever changes it in place gets one of their own.
      let current = JSON.parse(JSON.stringify(document)) as JsonObject
      for (let step = from + 1; step <= version; step += 1) {
        current = (migrate[step]?.(current) ?? current) as JsonObject
      }
      return current
    },
    migrateCommand(command: Command, from: number) {
      let current: Command | undefined = command
      for (let step = from + 1; current && step <= version; step += 1) {
        const migrateStep = migrateCommand[step]
        if (migrateStep) current = migrateStep(current)
      }
      return current
    },
  })
}

function checkVersion(pattern: string, what: string, version: number, most: number): void {
  if (Number.isSafeInteger(version) && version >= FIRST_VERSION && version <= most) return
  throw wrong(pattern, what, version)
}

function wrong(pattern: string, what: string, version: number): FlushoutError {
  const message = `"${pattern}" cannot have ${version} as a ${what}: versions are 1, 2, 3 … up to its own.`
  return new FlushoutError('OPTIONS_INVALID', message)
}
