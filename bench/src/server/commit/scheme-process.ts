import type { JsonObject } from '@flushout/core'
import { Child } from '../../harness/child.ts'
import type { Scheme } from './scheme.ts'
import type { SchemeApi, SchemeName } from './scheme-main.ts'

/** Start a scheme in a process of its own. */
export async function startScheme(
  scheme: SchemeName,
  url: string,
  document: JsonObject,
): Promise<Scheme> {
  const child = new Child<SchemeApi>(new URL('scheme-main.ts', import.meta.url))
  const name = await child.call('open', scheme, url, document)
  return {
    name,
    run: (writers, forMs, spread) => child.call('run', writers, forMs, spread),
    readCpu: () => child.call('readCpu'),
    check: () => child.call('check'),
    async close() {
      try {
        await child.call('close')
      } finally {
        await child.kill()
      }
    },
  }
}
