import { afterAll, describe } from 'vitest'
import { todoStories } from './stories.ts'
import { runMain } from './support/app.ts'
import { worldTest } from './support/world.ts'
import { togetherStories } from './together.ts'

describe('the todo app on memory', () => {
  let app = runMain({ DATABASE_URL: 'memory:' })
  const test = worldTest(() => app.ready)
  afterAll(() => app.end('SIGTERM'))

  todoStories(test)
  togetherStories(test)

  test('who saved something is told when the server has forgotten it, and keeps the rest', async ({
    world,
  }) => {
    world.expectOutage()
    const { a, b } = await world.open()
    await a.add('Milk')
    await b.shows('Milk')
    await app.end('SIGTERM')
    await a.add('Bread')
    app = runMain({ DATABASE_URL: 'memory:', PORT: new URL(world.address).port })
    await app.ready
    await a.shows('Bread')
    for (const panel of [a, b]) {
      await panel.shows('Bread')
      await panel.lost.filter({ hasText: 'put back to an earlier state' }).waitFor()
      await panel.button('Dismiss').click()
      await panel.lost.waitFor({ state: 'detached' })
    }
  })
})
