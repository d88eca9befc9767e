// What an editor waits for. Counted and not timed: a check of these 200 fields takes about
// 0.2 s more than one of one field, see docs/models.md.
import { describe, expect, test } from 'vitest'
import { checkTypes } from '../support/type-cost.ts'

const libraries = {
  zod: {
    source: "import * as z from 'zod'",
    object: 'z.strictObject',
    fields: [
      'z.record(z.string(), z.strictObject({ text: z.string(), at: z.number().optional() }))',
      'z.string().max(100)',
      'z.number()',
      'z.boolean().optional()',
      'z.array(z.string())',
    ],
  },
  valibot: {
    source: "import * as v from 'valibot'",
    object: 'v.strictObject',
    fields: [
      'v.record(v.string(), v.strictObject({ text: v.string(), at: v.optional(v.number()) }))',
      'v.pipe(v.string(), v.maxLength(100))',
      'v.number()',
      'v.optional(v.boolean())',
      'v.array(v.string())',
    ],
  },
}

/** An application with one model of `count` fields, which uses each field that holds nodes. */
function write({ source, object, fields }: (typeof libraries)['zod'], count: number): string {
  const names = Array.from({ length: count }, (_, index) => `field${index}`)
  const uses = names.filter((_, index) => index % fields.length === 0)
  return `
    ${source}
    import { defineModel } from '@flushout/core/define'
    import { useFlushout, useKeys, useNode } from '@flushout/react'
    const wide = defineModel({
      pattern: 'wide:$id',
      schema: ${object}({
        ${names.map((name, index) => `${name}: ${fields[index % fields.length]},`).join('\n')}
      }),
    })
    declare module '@flushout/client' { interface Register { models: [typeof wide] } }
    export function Use({ id }: { id: string }) {
      const [document, model] = useFlushout('wide:1')
      ${uses
        .map(
          (name) => `
            model.update(['${name}', id], { text: document.${name}[id]!.text })
            useKeys(model, ['${name}'])
            useNode(model, ['${name}', id])[1].update({ at: 1 })`,
        )
        .join('\n')}
      // @ts-expect-error -- a slip of the finger
      model.update(['feild0', id], { text: '' })
    }`
}

describe.each(Object.entries(libraries))('%s', (_name, library) => {
  test('a model of 200 fields costs the compiler little more than one of one field', async () => {
    const narrow = await checkTypes(write(library, 1))
    const wide = await checkTypes(write(library, 200))
    expect([...narrow.errors, ...wide.errors]).toEqual([])
    expect(wide.instantiations - narrow.instantiations).toBeLessThan(100_000)
  })
})
