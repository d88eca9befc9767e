// @vitest-environment happy-dom
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ComponentType } from 'react'
import { expect, inject, test } from 'vitest'
import { createDatabase, findFreePort } from '../support/postgres.ts'

const folder = join(dirname(fileURLToPath(import.meta.url)), '../readme')
const server = join(folder, 'server.ts')

/** Start the server of the README and wait until it can serve. */
async function startServer(databaseUrl: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--conditions=@flushout/source', server], {
    env: { ...process.env, DATABASE_URL: databaseUrl, PORT: String(port) },
    stdio: 'ignore',
  })
  const ready = async () => {
    expect(child.exitCode).toBe(null)
    expect((await fetch(`http://127.0.0.1:${port}/flushout/readyz`)).status).toBe(200)
  }
  await waitFor(ready, { timeout: 15_000 }).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

test('the app of the README works against the server of the README, also after it was killed', async () => {
  const database = await createDatabase(inject('postgresUrl'))
  const port = await findFreePort()
  // Where a browser would have loaded the page from.
  const page = window as unknown as { happyDOM: { setURL: (url: string) => void } }
  page.happyDOM.setURL(`http://127.0.0.1:${port}/`)
  let child = await startServer(database.url, port)
  try {
    // Not seen by the compiler: what it registers would hold for all tests.
    const { App } = (await import(join(folder, 'app.tsx'))) as { App: ComponentType }
    const { unmount } = await act(async () => render(<App />))
    fireEvent.click(await screen.findByRole('button', { name: 'Add' }, { timeout: 10_000 }))
    expect(screen.getByRole('checkbox', { name: 'Coffee' })).toHaveProperty('checked', false)
    await waitFor(() => screen.getByText('Saved'), { timeout: 10_000 })

    await kill(child)
    fireEvent.click(screen.getByRole('checkbox', { name: 'Coffee' }))
    child = await startServer(database.url, port)
    await waitFor(() => screen.getByText('Saved'), { timeout: 20_000 })

    const response = await fetch(`http://127.0.0.1:${port}/flushout/models/todos:groceries`)
    const { commandCount, document } = (await response.json()) as {
      commandCount: number
      document: { todos: object }
    }
    expect(commandCount).toBe(2)
    expect(Object.values(document.todos)).toEqual([{ text: 'Coffee', done: true }])
    unmount()
  } finally {
    await kill(child)
    await database.drop()
  }
})
