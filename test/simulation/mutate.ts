import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { Mutant } from './mutant.ts'

const ROOT = new URL('../../packages/', import.meta.url)

/** Where the source of a mutant lies. */
function urlOf({ file }: Mutant): string {
  return new URL(file, ROOT).href
}

/**
 * Say why a mutant does not fit the sources any more; undefined if it does. Its
 * place must be there exactly once, or it might change nothing, or too much.
 */
export function misfit(mutant: Mutant): string | undefined {
  const found = readFileSync(new URL(urlOf(mutant)), 'utf8').split(mutant.find).length - 1
  return found === 1 ? undefined : `${mutant.name}: its place is in ${mutant.file} ${found} times`
}

/**
 * Change the product while this process loads it. The files stay as they are, and
 * nothing of it can ever be published.
 */
export function installMutant(mutant: Mutant): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (url !== urlOf(mutant)) return loaded
      const source = readFileSync(new URL(url), 'utf8')
      // As a function, since `$` means something in a replacement.
      return { ...loaded, source: source.replace(mutant.find, () => mutant.replace) }
    },
  })
}
