import { defineModel } from '@flushout/core/define'
import { describe, expect, test } from 'vitest'

const code = (wanted: string): unknown => expect.objectContaining({ code: wanted })

describe('the pattern of a definition', () => {
  const { pattern, fits } = defineModel({ pattern: 'team:$team:tasks' })

  test('fits any name in the place of a named segment, and just one segment', () => {
    expect(fits('team:353:tasks')).toBe(true)
    for (const key of ['team:353', 'team::tasks', 'team:353:notes', 'team:3:5:tasks', 'tasks']) {
      expect(fits(key), key).toBe(false)
    }
  })

  test('is one that servers and feeds take', () => {
    expect(pattern).toBe('team:*:tasks')
  })

  test('has to be there', () => {
    expect(() => defineModel({ pattern: '' })).toThrow(code('OPTIONS_INVALID'))
  })

  test('may have a dollar that names nothing', () => {
    expect(defineModel({ pattern: 'prices:$' }).fits('prices:$')).toBe(true)
    expect(defineModel({ pattern: 'prices:$' }).fits('prices:a')).toBe(false)
  })
})

describe('the first document', () => {
  test('may be made from the named segments, as the names that the key was made of', () => {
    const { initial } = defineModel({
      pattern: 'team:$team:member:$member',
      initial: ({ team, member }) => ({ title: `${member} of ${team}` }),
    })
    expect(initial?.('team:a%3Ab:member:ada')).toEqual({ title: 'ada of a:b' })
  })

  test('may be the same for all', () => {
    const { initial } = defineModel({ pattern: 'todos:$list', initial: { todos: {} } })
    expect(initial?.('todos:groceries')).toEqual({ todos: {} })
  })

  test('may be left to somebody else', () => {
    expect(defineModel({ pattern: 'todos:$list' })).not.toHaveProperty('initial')
  })
})
