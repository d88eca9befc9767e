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
    const { page, a, b } = await world.open()
    await a.add('Milk')
    await b.shows('Milk')
    await app.end('SIGTERM')
    await a.add('Bread')
    // Who asks first what happened to a list that nobody has made again is told
    // that there is none; so nobody hears anything before the list is there.
    const made = Promise.withResolvers<void>()
    await page.route('**/live', (route) => made.promise.then(() => route.continue()))
    app = runMain({ DATABASE_URL: 'memory:', PORT: new URL(world.address).port })
    await app.ready
    await a.shows('Bread')
    made.resolve()
    for (const panel of [a, b]) {
      await panel.shows('Bread')
      await panel.lost.filter({ hasText: 'put back to an earlier state' }).waitFor()
      await panel.button('Dismiss').click()
      await panel.lost.waitFor({ state: 'detached' })
    }
  })
})
