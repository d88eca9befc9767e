// Commands that a definition names. They are written as recipes, so this loads Immer; a
// definition without any does not.
import type { Draft } from 'immer'
import type { ModelDefinition, ModelTypes } from './define/define-model.ts'
import { FlushoutError } from './errors.ts'
import type { InterceptorContext } from './interceptor.ts'
import type { JsonObject } from './json.ts'
import type { NamedCommand, RunRefusal } from './named.ts'
import { recordWith } from './recipe.ts'

/** How a named command is written. */
export interface CommandRecipe<Doc extends object> {
  /** What a person calls it, for the history and for undo. */
  readonly label?: string
  /**
   * Change the draft, or return `{ reject }` with nothing done. It runs in the browser, again
   * there whenever others changed the document, and on the server, whose result counts: it
   * must be synchronous and decide by its arguments alone.
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- each command says what it is run with
  readonly run: (draft: Draft<Doc>, args: any, context: InterceptorContext) => void | RunRefusal
}

/** What each of some commands is run with. */
export type RunsOf<Recipes> = {
  readonly [Name in keyof Recipes]: Recipes[Name] extends { readonly run: infer Run }
    ? ArgsOf<Run>
    : never
}

type ArgsOf<Run> = Run extends (...args: infer All) => unknown
  ? All extends readonly [unknown, infer Args, ...unknown[]]
    ? Args
    : undefined
  : never

/**
 * The definition, with commands that have names: `model.run('finish', { id })` runs one of
 * them. What `run` gets beside the draft has to be JSON, and an object.
 */
export function withCommands<
  Types extends ModelTypes,
  const Recipes extends { readonly [name: string]: CommandRecipe<Types['document']> },
>(
  definition: ModelDefinition<Types>,
  recipes: Recipes,
): ModelDefinition<Omit<Types, 'runs'> & { readonly runs: RunsOf<Recipes> }> {
  const named = Object.entries(recipes).map(([name, recipe]) => {
    if (name !== '' && typeof recipe?.run === 'function') return [name, toNamed(recipe)] as const
    throw new FlushoutError(
      'OPTIONS_INVALID',
      `The command ${JSON.stringify(name)} has no \`run\`.`,
    )
  })
  return Object.freeze({
    ...definition,
    commands: Object.freeze(Object.fromEntries(named)),
  }) as never
}

function toNamed<Doc extends object>({ label, run }: CommandRecipe<Doc>): NamedCommand {
  return Object.freeze({
    ...(label !== undefined && { label }),
    make(document: JsonObject, args: JsonObject, context: InterceptorContext) {
      const { commands, result } = recordWith(document, (draft) =>
        run(draft as Draft<Doc>, args, context),
      )
      return isRefusal(result) ? result : commands
    },
  })
}

function isRefusal(result: unknown): result is RunRefusal {
  return typeof result === 'object' && result !== null && 'reject' in result
}
