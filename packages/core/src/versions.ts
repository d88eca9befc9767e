import { checkCommand, type CheckedCommand } from './check.ts'
import type { Command, Rejection } from './command.ts'
import type { JsonObject } from './json.ts'

/** The version of whatever says none. */
export const FIRST_VERSION = 1

/** Which form of a kind of models a side knows, and how it gets there from older ones. */
export interface ModelVersions {
  /** 1, 2, 3 … */
  readonly version: number
  /** The oldest version whose clients can work with documents of this one. */
  readonly oldestClient: number
  /** The document of version `from` as this version has it. */
  readonly migrate: (document: JsonObject, from: number) => JsonObject
  /** A command for version `from` as this version has it; undefined where nothing stands for it. */
  readonly migrateCommand: (command: Command, from: number) => Command | undefined
}

/** Gives a command in the form of the version that is here. Never throws. */
export type Translate = (command: CheckedCommand) => Translated

type Translated =
  | { readonly ok: true; readonly command: CheckedCommand }
  | ({ readonly ok: false } & Untranslated)

interface Untranslated {
  readonly kind: 'dropped' | 'rejected'
  readonly rejection: Rejection
}

/**
 * How to read commands of version `from`; undefined where they are as they should be. What
 * the application throws goes to `onError`.
 */
export function translator(
  versions: ModelVersions | undefined,
  from: number = FIRST_VERSION,
  onError: (error: unknown) => void = () => {},
): Translate | undefined {
  if (!versions || from >= versions.version) return undefined
  return (command) => {
    try {
      const translated = versions.migrateCommand(command, from)
      if (translated === command) return { ok: true, command }
      if (translated) return check(translated, command)
    } catch (error) {
      onError(error)
      const message = 'The command could not be brought to the version that is here.'
      return refuse('rejected', { code: 'INTERCEPTOR_FAILED', message, at: command.path })
    }
    const message = `Version ${versions.version} has nothing for this command of version ${from}.`
    return refuse('dropped', { code: 'COMMAND_OUTDATED', message, at: command.path })
  }
}

function check(translated: Command, command: CheckedCommand): Translated {
  const checked = checkCommand(translated, () => (command.action === 'create' ? command.id : ''))
  return checked.ok ? checked : refuse('rejected', checked.rejection)
}

function refuse(kind: Untranslated['kind'], rejection: Rejection): Translated {
  return { ok: false, kind, rejection }
}
