import type { JsonObject } from '@flushout/core'
import { createFlushout, Writer } from '../load.ts'
import { inProcess, type Scheme } from './scheme.ts'
import { MODELS } from './spread.ts'

/** Our service on our store, as it is without any options. */
export async function createOurs(url: string, document: JsonObject): Promise<Scheme> {
  const service = await createFlushout(url, { model: document })
  // A client stays with its model. Of each model those who have nothing under way.
  const idle = Array.from({ length: MODELS }, () => [] as Writer[])
  let made = 0
  return inProcess('Flushout', {
    async flush(model) {
      const writer = idle[model]!.pop() ?? new Writer(`${model}-${(made += 1)}`)
      await writer.flush(service, `model:${model}`)
      idle[model]!.push(writer)
    },
    async countCommands() {
      let count = 0
      for (let model = 0; model < MODELS; model += 1) {
        count += (await service.snapshot(`model:${model}`)).commandCount
      }
      return count
    },
    read: async (model) => (await service.snapshot(`model:${model}`)).document,
    close: () => service.close(),
  })
}
