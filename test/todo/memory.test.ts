import { afterAll, describe } from 'vitest'
import { todoStories } from './stories.ts'
import { runMain } from './support/app.ts'
import { worldTest } from './support/world.ts'

describe('the todo app on memory', () => {
  const app = runMain({ DATABASE_URL: 'memory:' })
  const test = worldTest(() => app.ready)
  afterAll(() => app.end('SIGTERM'))

  todoStories(test)
})
