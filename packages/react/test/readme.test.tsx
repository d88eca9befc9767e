import { readFileSync } from 'node:fs'
import { act, fireEvent, screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { Todos } from './support/readme-example.tsx'
import { World } from './support/world.tsx'

test('the example in the README is the one that runs here', () => {
  const read = (path: string) => readFileSync(`packages/react/${path}`, 'utf8')
  expect(read('README.md')).toContain(read('test/support/readme-example.tsx'))
})

test('the example works', async () => {
  const world = new World()
  await world.show(<Todos />)
  fireEvent.change(screen.getByDisplayValue('Groceries'), { target: { value: 'Shopping' } })
  fireEvent.click(screen.getByText('Add coffee'))
  fireEvent.click(screen.getByLabelText('milk'))
  fireEvent.click(screen.getAllByText('Delete')[1]!)
  expect(screen.getByLabelText('milk')).toHaveProperty('checked', true)
  expect(screen.getByText('polling, 4 not yet saved')).toBeDefined()
  await act(() => world.client.flush())
  expect(screen.getByText('polling, 0 not yet saved')).toBeDefined()
  const { title, todos } = world.document
  expect(title).toBe('Shopping')
  expect(Object.values(todos)).toEqual([{ text: 'milk', done: true }, { text: 'Coffee' }])
})
