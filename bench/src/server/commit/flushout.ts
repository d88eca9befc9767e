import type { JsonObject } from '@flushout/core'
import { createFlushout, Writer } from '../load.ts'
import { COMMANDS, inProcess, type Scheme } from './scheme.ts'
import { MODELS } from './spread.ts'

/** Our service on our store, as it is without any options. */
export async function createOurs(url: string, document: JsonObject): Promise<Scheme> {
  const service = await createFlushout(url, { model: document })
  // A client stays with its model. Of each model those who have nothing under way.
  const idle = Array.from({ length: MODELS }, () => [] as Writer[])
  let made = 0

  async function flush(model: number): Promise<void> {
    const writer = idle[model]!.pop() ?? new Writer(`${model}-${(made += 1)}`)
    await writer.flush(service, `model:${model}`)
    idle[model]!.push(writer)
  }

  // As in the other schemes, all models are there before anything is measured.
  await Promise.all(idle.map((_, model) => flush(model)))
  return inProcess('Flushout', {
    flush,
    async countCommands() {
      let count = -COMMANDS * MODELS
      for (let model = 0; model < MODELS; model += 1) {
        count += (await service.snapshot(`model:${model}`)).commandCount
      }
      return count
    },
    read: async (model) => (await service.snapshot(`model:${model}`)).document,
    close: () => service.close(),
  })
}
