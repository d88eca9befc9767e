import { createClient, directTransport, onDevice } from '@flushout/client'
import { createTestDisk, createTestServer } from '@flushout/client/testing'
import { FlushoutProvider, useDurable, useModel } from '@flushout/react'
import { act, render, screen } from '@testing-library/react'
import { Suspense } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, onTestFinished, test } from 'vitest'
import { Clock } from './support/clock.ts'

function Banner() {
  return useDurable() ? <p>kept</p> : <p>Edits live only in this tab.</p>
}

function Add() {
  const model = useModel('list')
  return <button onClick={() => model.create([])}>Add</button>
}

function start(isKept: boolean) {
  const environment = new Clock()
  const disk = createTestDisk(environment)
  const client = createClient({
    transport: directTransport(createTestServer({ list: {} }, { isLive: false })),
    environment,
    ...(isKept && { storage: onDevice({ storage: disk.open() }) }),
  })
  onTestFinished(() => client.close())
  const page = (
    <FlushoutProvider client={client}>
      <Banner />
      <Suspense>
        <Add />
      </Suspense>
    </FlushoutProvider>
  )
  return { environment, disk, page }
}

test('a page can warn when the disk takes nothing, and ceases when it does', async () => {
  const { environment, disk, page } = start(true)
  await act(async () => void render(page))
  await act(() => environment.pass(1_000))
  expect(screen.getByText('kept')).toBeDefined()
  disk.refuse()
  screen.getByText('Add').click()
  await act(() => environment.pass(10))
  expect(screen.getByText('Edits live only in this tab.')).toBeDefined()
  disk.accept()
  await act(() => environment.pass(10_000))
  expect(screen.getByText('kept')).toBeDefined()
})

test('without storage it warns from the start, but not on a server', async () => {
  const { page } = start(false)
  expect(renderToString(page)).toContain('kept')
  await act(async () => void render(page))
  expect(screen.getByText('Edits live only in this tab.')).toBeDefined()
})
