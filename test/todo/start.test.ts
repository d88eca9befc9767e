import { createClient } from '@flushout/client'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test as base } from 'vitest'
import { npmStart, runMain, type App } from './support/app.ts'
import { eventually } from './support/eventually.ts'
import type { TodoList } from './support/world.ts'

interface Place {
  /** Where the runs of this test keep their data. */
  readonly data: string
  start(env?: NodeJS.ProcessEnv): App
  npmStart(): App
  /** The Postgres of these data, while it has them. */
  postgresPid(): number | undefined
}

const test = base.extend<{ place: Place }>({
  place: async ({ task }, use) => {
    const data = mkdtempSync(join(tmpdir(), `flushout-start${task.id}-`))
    const apps: App[] = []
    const keep = (app: App) => {
      apps.push(app)
      return app
    }
    const postgresPid = () => {
      try {
        return Number(readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
      } catch {
        return undefined
      }
    }
    await use({
      data,
      start: (env = {}) => keep(runMain({ DATA_DIR: data, ...env })),
      npmStart: () => keep(npmStart({ DATA_DIR: data, PORT: '0' })),
      postgresPid,
    })
    for (const app of apps) await app.end('SIGKILL', { group: true })
    end(postgresPid(), 'SIGKILL')
    rmSync(data, { recursive: true, force: true, maxRetries: 5 })
  },
})

describe.concurrent('npm start', () => {
  async function add(app: App, text: string): Promise<void> {
    const client = createClient({ url: `${await app.ready}/flushout` })
    const model = client.model<TodoList>('todos:groceries')
    await model.ready
    const receipt = model.create(['todos'], { text, done: false })
    expect((await receipt.verdict).kind).toBe('amended')
    client.close()
  }

  async function texts(app: App): Promise<string[]> {
    const response = await fetch(`${await app.ready}/flushout/models/todos:groceries`)
    const { document } = (await response.json()) as { document: TodoList }
    return Object.values(document.todos).map(({ text }) => text)
  }

  async function isGone(app: App, place: Place, postgres: number | undefined): Promise<void> {
    expect(postgres).toBeGreaterThan(1)
    await eventually(() => isAlive(postgres), false)
    expect(place.postgresPid()).toBe(undefined)
    await expect(fetch(await app.ready)).rejects.toThrow('fetch failed')
  }

  test('prints one address, ends with Ctrl-C or with npm, and leaves nothing but its data', async ({
    place,
  }) => {
    const app = place.npmStart()
    const page = await fetch(`${await app.ready}/lists/groceries`)
    expect(await page.text()).toContain('<div id="root">')
    expect(app.output.match(/http:/g)).toHaveLength(1)
    await add(app, 'Milk')
    const postgres = place.postgresPid()
    await app.end('SIGINT', { group: true })
    await isGone(app, place, postgres)
    const again = place.npmStart()
    await add(again, 'Bread')
    expect(await texts(again)).toEqual(['Milk', 'Bread'])
    const postgresAgain = place.postgresPid()
    // npm alone, which does not wait for what it started.
    await again.end('SIGTERM')
    await isGone(again, place, postgresAgain)
    expect(app.output + again.output).not.toContain('Error')
  })

  test('starts on the data of a run that was killed, whether Postgres is still there or not', async ({
    place,
  }) => {
    const app = place.start()
    await add(app, 'Milk')
    await app.end('SIGKILL', { group: true })
    const left = place.postgresPid()
    expect(isAlive(left)).toBe(true)
    const second = place.start()
    expect(await texts(second)).toEqual(['Milk'])
    expect(place.postgresPid()).toBe(left)
    await second.end('SIGKILL', { group: true })
    end(left, 'SIGKILL')
    await eventually(() => isAlive(left), false)
    // As after a reboot: the process id belongs to somebody else by now.
    const file = join(place.data, 'postgres', 'postmaster.pid')
    writeFileSync(file, readFileSync(file, 'utf8').replace(String(left), String(process.pid)))
    const third = place.start()
    expect(await texts(third)).toEqual(['Milk'])
    const postgres = place.postgresPid()
    await third.end('SIGINT')
    await isGone(third, place, postgres)
  })

  test('shares its data with others, and the last to end stops Postgres', async ({ place }) => {
    const one = place.start()
    await add(one, 'Milk')
    const postgres = place.postgresPid()
    const [, , , port] = readFileSync(join(place.data, 'postgres', 'postmaster.pid'), 'utf8').split(
      '\n',
    )
    const password = readFileSync(join(place.data, 'password'), 'utf8')
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    const guest = place.start({ DATABASE_URL: url, DATA_DIR: '/nonexistent' })
    await add(guest, 'Bread')
    await guest.end('SIGTERM')
    const two = place.start()
    expect(await texts(two)).toEqual(['Milk', 'Bread'])
    await one.end('SIGINT')
    expect(isAlive(postgres)).toBe(true)
    await add(two, 'Eggs')
    await two.end('SIGINT')
    await isGone(two, place, postgres)
  })

  test('a taken port gives one line', async ({ place }) => {
    const socket = createServer().listen(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address() as { port: number }
    const app = place.start({ PORT: String(port) })
    expect(await app.exit).toBe(1)
    expect(app.output).toBe(`Port ${port} is taken. Choose another: PORT=${port + 1} npm start\n`)
    socket.close()
  })

  test('a port that is none gives one line', async ({ place }) => {
    const app = place.start({ PORT: 'http' })
    expect(await app.exit).toBe(1)
    expect(app.output).toBe('PORT is "http"; it must be a number from 0 to 65535.\n')
  })

  test.for([
    ['that nobody listens at', 'postgres://me:secret@127.0.0.1:1/x'],
    ['whose host does not exist', 'postgres://me:secret@nowhere.invalid/x'],
    ['that is no URL', 'secret nonsense'],
  ])('a database %s gives one line without the password', async ([, url], { place }) => {
    const app = place.start({ DATABASE_URL: url })
    expect(await app.exit).toBe(1)
    expect(app.output).toMatch(/^The database at \S+ cannot be used: .+\n$/)
    expect(app.output).not.toContain('secret')
  })
})

function isAlive(pid: number | undefined): boolean {
  return end(pid, 0)
}

/** Send a signal; false if there is nobody to get it. */
function end(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(pid, signal)
  } catch {
    return false
  }
}
