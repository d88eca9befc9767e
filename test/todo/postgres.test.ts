import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { todoStories } from './stories.ts'
import { runMain } from './support/app.ts'
import { worldTest } from './support/world.ts'
import { togetherStories } from './together.ts'

describe('the todo app on Postgres', () => {
  const data = mkdtempSync(join(tmpdir(), 'flushout-todo-'))
  let app = runMain({ DATA_DIR: data })
  const test = worldTest(() => app.ready)
  afterAll(async () => {
    await app.end('SIGTERM')
    rmSync(data, { recursive: true, force: true })
  })

  todoStories(test)
  togetherStories(test)

  test('two browsers end equal after the server was killed and started in between', async ({
    world,
  }) => {
    world.expectOutage()
    const [one, two] = await Promise.all([world.open(), world.open()])
    await one.a.add('Milk')
    await two.a.shows('Milk')
    await app.end('SIGKILL')
    await one.a.add('Bread')
    await one.a.announces('Offline, 1 change kept here')
    await two.a.edit('Milk', 'Oat milk')
    await two.a.announces('Offline, 1 change kept here')
    app = runMain({ DATA_DIR: data, PORT: new URL(world.address).port })
    await app.ready
    for (const panel of [one.a, one.b, two.a, two.b]) await panel.shows('Oat milk', 'Bread')
    await Promise.all([one.a.isSaved(), two.a.isSaved()])
  })
})
