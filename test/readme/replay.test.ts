import { replayFile } from '@flushout/server/replay'
import { expect, test } from 'vitest'

const file = new URL('groceries.jsonl', import.meta.url).pathname

test('the list that was reported ends as it was reported, and never had more than three', async () => {
  const sizes: number[] = []
  const { document } = await replayFile(file, {
    onEntry: (document) => sizes.push(document.size(['todos'])),
  })
  expect(Object.keys(document['todos']!)).toEqual(['tea', 'milk'])
  expect(Math.max(...sizes)).toBe(3)
  expect((await replayFile(file, { at: 1 })).document).toEqual({
    todos: { coffee: { text: 'Coffee' } },
  })
})
