import { CommandProxy } from '@flushout/core'
import { derive } from '@flushout/core/define'
import { createTestIds } from '@flushout/core/testing'
import { expect, test } from 'vitest'

interface TodoList {
  readonly title: string
  readonly todos: { readonly [id: string]: { readonly text: string; readonly done: boolean } }
}

const LIST: TodoList = {
  title: 'Groceries',
  todos: { a: { text: 'Milk', done: false }, b: { text: 'Bread', done: true } },
}

function createList() {
  return new CommandProxy<TodoList>(
    { commandCount: 0, hash: '', document: LIST },
    { createId: createTestIds('derive'), now: () => 0 },
  )
}

/** Texts of the todos, and how often they were computed. */
function createTexts() {
  const count = { of: 0 }
  const texts = derive((todos: TodoList['todos'], done: boolean) => {
    count.of += 1
    return Object.values(todos).flatMap((todo) => (todo.done === done ? todo.text : []))
  })
  return { count, texts }
}

test('the same arguments are computed once, and give the very same result', () => {
  const list = createList()
  const { count, texts } = createTexts()
  const first = texts(list.read().todos, false)
  expect(first).toEqual(['Milk'])
  expect(texts(list.read().todos, false)).toBe(first)
  expect(count.of).toBe(1)
  expect(texts(list.read().todos, true)).toEqual(['Bread'])
  expect(texts(list.read().todos, false)).toBe(first)
  expect(count.of).toBe(2)
})

test('only what changes in what it reads is computed anew', () => {
  const list = createList()
  const { count, texts } = createTexts()
  const first = texts(list.read().todos, false)
  list.update([], { title: 'Shopping' })
  expect(texts(list.read().todos, false)).toBe(first)
  list.update(['todos', 'a'], { text: 'Oat milk' })
  expect(texts(list.read().todos, false)).toEqual(['Oat milk'])
  expect(count.of).toBe(2)
})

test('derived from what is derived, and from nothing', () => {
  const list = createList()
  const { count, texts } = createTexts()
  const size = derive((open: readonly string[]) => ({ count: open.length }))
  const read = () => size(texts(list.read().todos, false))
  expect(read()).toBe(read())
  expect(count.of).toBe(1)
  let runs = 0
  const none = derive(() => (runs += 1))
  expect([none(), none()]).toEqual([1, 1])
})

test('arguments are told apart by what they are, missing ones included', () => {
  const join = derive((...parts: readonly unknown[]) => ({ text: JSON.stringify(parts) }))
  const calls = [[], [undefined], [null], [0], ['0'], [false], [''], [1, 2], [2, 1], [Number.NaN]]
  const results = calls.map((args) => join(...args))
  expect(new Set(results).size).toBe(calls.length)
  expect(calls.map((args) => join(...args))).toEqual(results)
  for (const [index, args] of calls.entries()) expect(join(...args)).toBe(results[index])
})

test('undefined is a result, and what throws is tried again', () => {
  let runs = 0
  const nothing = derive((_of: object) => void (runs += 1))
  nothing(LIST)
  nothing(LIST)
  expect(runs).toBe(1)
  const fail = derive((_of: object) => {
    runs += 1
    throw new Error('no')
  })
  expect(() => fail(LIST)).toThrow('no')
  expect(() => fail(LIST)).toThrow('no')
  expect(runs).toBe(3)
})

test('of endless values only the latest are remembered', () => {
  let runs = 0
  const search = derive((text: string) => {
    runs += 1
    return { text }
  })
  for (let count = 0; count < 1_000; count += 1) search(`text ${count}`)
  search('text 999')
  search('text 901')
  expect(runs).toBe(1_000)
  search('text 0')
  expect(runs).toBe(1_001)
})
