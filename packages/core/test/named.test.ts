import type { Command, Interceptor, JsonObject, NamedCommands, Run } from '@flushout/core'
import { withCommands } from '@flushout/core/commands'
import { defineModel } from '@flushout/core/define'
import { throughJson, World } from '@flushout/core/testing'
import { UndoStack } from '@flushout/core/undo'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

interface Task {
  readonly done?: boolean
  readonly at?: number
  readonly tags?: readonly string[]
}
interface Tasks {
  readonly notes: string
  readonly tasks: { readonly [id: string]: Task }
  readonly log: { readonly [id: string]: { readonly what?: string } }
  readonly left?: number
}

const empty: Tasks = { notes: '', tasks: {}, log: {} }
const commands: NamedCommands = withCommands(
  defineModel({ pattern: 'tasks:$list', initial: empty }),
  {
    finish: {
      label: 'Finish',
      run(draft, { id }: { id: string }, { now }) {
        const task = draft.tasks[id]
        if (!task) return { reject: { code: 'GONE', message: 'It is gone.', at: ['tasks', id] } }
        task.done = true
        task.at = now
        draft.left = Object.values(draft.tasks).filter(({ done }) => !done).length
      },
    },
    finishAll: {
      run(draft) {
        for (const task of Object.values(draft.tasks)) task.done = true
      },
    },
    note: {
      run(draft, { what }: { what: string }, { random }) {
        draft.log[`log-${Math.floor(random() * 1e9)}`] = { what }
      },
    },
  },
).commands!

const failing: NamedCommands = withCommands(defineModel({ pattern: 'x', initial: empty }), {
  fail: {
    run() {
      throw new Error('a slip that nobody should read')
    },
  },
  later: { run: (async () => {}) as never },
  badly: { run: () => ({ reject: { message: 1 } }) as never },
  date: { run: (draft) => void ((draft as any).notes = new Date()) },
  many: {
    run(draft, { count }: { count: number }) {
      for (let n = 0; n < count; n += 1) draft.log[`n${n}`] = {}
    },
  },
}).commands!

// Long enough for updates to be the shorter answer.
const notes = 'Water the plants. '.repeat(40)
const TASKS: Tasks = { notes, tasks: { a: {}, b: {}, c: { done: true } }, log: {} }

interface Setting {
  readonly rules?: readonly Interceptor[]
  readonly master?: NamedCommands
  readonly proxy?: NamedCommands
}

function open({ rules = [], master = commands, proxy = commands }: Setting = {}) {
  const errors: unknown[] = []
  const onInterceptorError = (error: unknown) => errors.push(error)
  const world = new World<Tasks>(TASKS, {
    master: { interceptors: rules, commands: master, onInterceptorError },
    proxy: { interceptors: rules, commands: proxy },
  })
  const [ada, bob] = ['ada', 'bob'].map((name) => world.join(name))
  const entries = () => world.master.since({ from: 0, hash: 'genesis' })!
  return { world, ada: ada!, bob: bob!, proxy: ada!.proxy, entries, errors }
}

function update(path: string[], props: JsonObject): Command {
  return { action: 'update', path, props }
}

describe('a named command', () => {
  test('shows at once, travels as its name, and is in the history as what it made', () => {
    const { ada, bob, proxy, entries, world } = open()
    const receipt = proxy.run('finish', { id: 'a' })
    const made = [update(['tasks', 'a'], { done: true, at: world.now }), update([], { left: 1 })]
    expect(proxy.read(['tasks', 'a'])).toEqual({ done: true, at: world.now })
    expect(proxy.read(['left'])).toBe(1)
    expect(proxy.status.queued).toBe(1)
    expect(proxy.commandCount).toBe(2)
    const flush = proxy.beginFlush()!
    expect(flush).toMatchObject({
      commands: [{ action: 'run', path: [], name: 'finish', args: { id: 'a' } }],
      groups: [{ at: 0, count: 1, label: 'Finish' }],
    })
    const answer = ada.send(flush)
    expect(answer.verdicts).toEqual([{ index: 0, kind: 'applied', followUps: made }])
    expect(proxy.endFlush(answer)).toEqual({ ok: true, remaps: [] })
    expect(receipt.outcome).toEqual({ kind: 'applied', followUps: made })
    expect(entries()).toMatchObject([{ from: 0, commands: made }])
    expect(entries()[0]!.notes).toEqual([
      {
        index: 0,
        label: 'Finish',
        count: 2,
        run: { name: 'finish', args: { id: 'a' }, count: 2 },
      },
    ])
    expect(proxy.confirmed).toEqual({ from: 2, hash: world.master.hash })
    expect(proxy.commandCount).toBe(2)
    bob.flush()
    expect(bob.proxy.read()).toEqual(world.master.read())
    expect(proxy.read()).toEqual(world.master.read())
  })

  test('is run again by the master, on what it has by then', () => {
    const { ada, bob, proxy, world } = open()
    const receipt = proxy.run('finish', { id: 'a' })
    expect(proxy.read(['left'])).toBe(1)
    bob.proxy.create(['tasks'], {}, { id: 'd' })
    bob.flush()
    ada.flush()
    expect(world.master.read(['left'])).toBe(2)
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.commandCount).toBe(3)
    expect(receipt.outcome?.kind).toBe('applied')
  })

  test('is run again here after news of others, queued or in flight', () => {
    const { ada, bob, proxy, world } = open()
    proxy.run('finishAll')
    const flush = proxy.beginFlush()!
    proxy.run('finish', { id: 'c' })
    bob.proxy.create(['tasks'], {}, { id: 'd' })
    bob.flush()
    proxy.receive(world.master.pull(0, 'genesis'))
    expect(proxy.read(['tasks', 'd', 'done'])).toBe(true)
    expect(proxy.read(['left'])).toBe(0)
    proxy.endFlush(ada.send(flush))
    ada.settle()
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.commandCount).toBe(world.master.commandCount)
  })

  test('is not what its author says it is', () => {
    const other = { ...commands, finishAll: failing['many']! }
    const { ada, proxy, world } = open({ proxy: other })
    proxy.run('finishAll', { count: 3 })
    expect(proxy.size(['log'])).toBe(3)
    ada.flush()
    expect(world.master.size(['log'])).toBe(0)
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.read(['tasks', 'a', 'done'])).toBe(true)
    expect(proxy.commandCount).toBe(world.master.commandCount)
  })

  test('that has nothing to do is applied, and no part of the history', () => {
    const { ada, proxy, world } = open()
    proxy.run('finishAll')
    ada.flush()
    const hash = world.master.hash
    const receipt = proxy.run('finishAll')
    expect(proxy.commandCount).toBe(2)
    expect(proxy.status.queued).toBe(1)
    ada.flush()
    expect(receipt.outcome).toEqual({ kind: 'applied' })
    expect(world.master.hash).toBe(hash)
    expect(proxy.confirmed).toEqual({ from: 2, hash })
    expect(proxy.status).toMatchObject({ queued: 0, inFlight: 0, historyChanges: 0 })
  })

  test('is refused by its own word, here and on the master', () => {
    const { ada, bob, proxy, world } = open()
    const rejection = { code: 'GONE', message: 'It is gone.', at: ['tasks', 'x'] }
    const { ok, outcome } = proxy.run('finish', { id: 'x' })
    expect([ok, outcome]).toEqual([false, { kind: 'rejected', rejection }])
    const later = proxy.run('finish', { id: 'a' })
    const flush = proxy.beginFlush()!
    bob.proxy.delete(['tasks', 'a'])
    bob.flush()
    proxy.endFlush(ada.send(flush))
    expect(later.outcome).toMatchObject({ kind: 'rejected', rejection: { code: 'GONE' } })
    expect(proxy.rejections).toMatchObject([
      { command: { action: 'run', name: 'finish', args: { id: 'a' } }, path: [] },
    ])
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.commandCount).toBe(1)
  })

  test('of which nobody knows here, or there, is refused and told', () => {
    for (const name of ['unheardOf', 'toString', '__proto__']) {
      const { proxy } = open()
      expect(proxy.run(name).rejection?.code).toBe('COMMAND_UNKNOWN')
    }
    const { ada, proxy, world } = open({ master: {} })
    proxy.run('finish', { id: 'a' })
    proxy.update(['tasks', 'b'], { done: true })
    ada.flush()
    expect(proxy.rejections).toMatchObject([
      { kind: 'rejected', rejection: { code: 'COMMAND_UNKNOWN' }, command: { name: 'finish' } },
    ])
    expect(proxy.read()).toEqual(world.master.read())
    expect(world.master.commandCount).toBe(1)
  })

  test('goes through the rules as what it makes, and what follows that is told apart', () => {
    const seen: Command[] = []
    const log: Interceptor = (_document, command) => {
      seen.push(command)
      if (command.path![0] !== 'tasks') return
      return { follow: [{ action: 'create', path: ['log'], id: 'entry', props: {} }] }
    }
    const { ada, proxy, entries, world } = open({ rules: [log] })
    proxy.run('finish', { id: 'a' })
    expect(seen.map(({ action }) => action)).toEqual(['update', 'create', 'update'])
    ada.flush()
    expect(entries()[0]!.notes).toMatchObject([
      { index: 0, label: 'Finish', count: 3, run: { name: 'finish', count: 3 } },
      { index: 1, cause: 0 },
    ])
    expect(proxy.read()).toEqual(world.master.read())
    expect(proxy.commandCount).toBe(3)
  })

  test('leaves no trace where a rule refuses something of it', () => {
    const rule: Interceptor = (_document, command) =>
      command.path!.length === 0 ? { reject: { code: 'NOT_YOURS', message: 'No.' } } : undefined
    const { ada, proxy, world } = open({ rules: [rule] })
    expect(proxy.run('finish', { id: 'a' }).rejection?.code).toBe('NOT_YOURS')
    expect(proxy.read()).toEqual(TASKS)
    const flush = {
      ...proxy.beginFlush({ pull: true })!,
      sequence: 1,
      commands: [{ action: 'run', name: 'finish', args: { id: 'a' } } as Run],
    }
    expect(ada.send(flush).verdicts).toMatchObject([
      { index: 0, kind: 'rejected', rejection: { code: 'NOT_YOURS' } },
    ])
    expect([world.master.read(), world.master.commandCount]).toEqual([TASKS, 0])
  })

  test('that fails is refused without a word of why, which the server hears', () => {
    const { ada, proxy, errors, world } = open({ master: failing, proxy: failing })
    const codes = ['fail', 'later', 'badly', 'date'].map((name) => proxy.run(name).rejection?.code)
    expect(codes).toEqual(Array.from({ length: 4 }, () => 'COMMAND_FAILED'))
    expect(proxy.run('many', { count: 501 }).rejection?.code).toBe('COMMAND_TOO_LARGE')
    expect(proxy.run('many', { count: 500 }).ok).toBe(true)
    const flush = {
      ...proxy.beginFlush()!,
      commands: [{ action: 'run', name: 'fail' } as Run],
      groups: [],
    }
    const { verdicts } = ada.send(flush)
    expect(verdicts).toMatchObject([{ kind: 'rejected', rejection: { code: 'COMMAND_FAILED' } }])
    expect(JSON.stringify(verdicts)).not.toContain('slip')
    expect(errors).toMatchObject([{ message: 'a slip that nobody should read' }])
    expect(world.master.commandCount).toBe(0)
  })

  test('has a form', () => {
    const { proxy } = open()
    const codes = [
      { action: 'run' },
      { action: 'run', name: '' },
      { action: 'run', name: 'finish', props: {} },
      { action: 'run', name: 'finish', args: [] },
      { action: 'run', name: 'finish', args: { id: undefined } },
      { action: 'run', name: 'finish', path: ['tasks'] },
    ].map((command) => proxy.apply(command as Run).rejection?.code)
    const [invalid, value] = ['COMMAND_INVALID', 'VALUE_INVALID']
    expect(codes).toEqual([invalid, invalid, invalid, invalid, value, 'PATH_INVALID'])
    const news = {
      commandCount: 1,
      hash: 'x',
      sync: {
        kind: 'updates',
        updates: [
          {
            from: 0,
            hash: 'x',
            clientId: 'bob',
            sequence: 1,
            commands: [{ action: 'run', name: 'finishAll' }],
          },
        ],
      },
    }
    expect(proxy.receive(news)).toBe('ignored')
  })

  test('takes effect with the others of an atomic group, or not at all', () => {
    const { ada, bob, proxy, world, entries } = open()
    proxy.batch(
      () => {
        proxy.update([], { left: 9 })
        proxy.run('finish', { id: 'a' })
      },
      { atomic: true, label: 'Both' },
    )
    const flush = proxy.beginFlush()!
    bob.proxy.delete(['tasks', 'a'])
    bob.flush()
    proxy.endFlush(ada.send(flush))
    expect(proxy.rejections.map(({ rejection }) => rejection.code)).toEqual([
      'GROUP_REJECTED',
      'GONE',
    ])
    expect(world.master.read(['left'])).toBe(undefined)
    proxy.batch(
      () => {
        proxy.run('finish', { id: 'b' })
        proxy.update([], { left: 9 })
      },
      { atomic: true, label: 'Both' },
    )
    ada.flush()
    expect(entries().at(-1)!.notes).toMatchObject([
      { index: 0, label: 'Both', atomic: true, count: 3, run: { name: 'finish', count: 2 } },
    ])
  })

  test('goes ahead of a group that has read what it made here', () => {
    const { ada, bob, proxy } = open()
    proxy.run('finish', { id: 'a' })
    proxy.batch(() => proxy.update(['tasks', 'b'], { done: true }), { reads: [['left']] })
    expect(proxy.beginFlush()!.commands).toHaveLength(1)
    proxy.cancelFlush()
    bob.proxy.create(['tasks'], {}, { id: 'd' })
    bob.flush()
    ada.settle()
    expect(proxy.rejections).toMatchObject([{ kind: 'conflict', rejection: { at: ['left'] } }])
  })

  test('may wait, and shows when the master has run it', () => {
    const { ada, proxy, world } = open()
    proxy.run('finish', { id: 'a' }, { wait: true })
    expect([proxy.read(), proxy.commandCount]).toEqual([TASKS, 0])
    ada.flush()
    expect(proxy.read(['tasks', 'a', 'done'])).toBe(true)
    expect(proxy.commandCount).toBe(world.master.commandCount)
  })

  test('is taken back as a whole, by a batch that fails and by who withdraws it', () => {
    const { proxy } = open()
    const fail = () =>
      proxy.batch(() => {
        proxy.run('finish', { id: 'a' })
        throw new Error('no')
      })
    expect(fail).toThrow('no')
    expect([proxy.read(), proxy.commandCount]).toEqual([TASKS, 0])
    proxy.run('finish', { id: 'a' })
    proxy.withdraw(proxy.memory.pending.map(({ serial }) => serial))
    expect([proxy.read(), proxy.commandCount]).toEqual([TASKS, 0])
  })

  test('makes what the master makes, where chance is in it', () => {
    const { ada, proxy, world } = open()
    proxy.update([], { left: 2 })
    proxy.run('note', { what: 'here' })
    const [mine] = proxy.keys(['log'])
    const flush = proxy.beginFlush()!
    proxy.update(['log', mine!], { what: 'changed' })
    proxy.endFlush(ada.send(flush))
    const [theirs] = proxy.keys(['log'])
    expect(theirs).not.toBe(mine)
    ada.settle()
    expect(world.master.read(['log', theirs!, 'what'])).toBe('changed')
    expect(proxy.rejections).toEqual([])
  })

  test('shows after a reload, in flight and queued, and takes effect once', () => {
    const { ada, world, proxy } = open()
    proxy.run('finish', { id: 'a' })
    ada.send(proxy.beginFlush()!)
    proxy.run('finishAll')
    const later = world.join('ada', { memory: throughJson(proxy.memory) })
    expect(later.proxy.read(['tasks', 'b', 'done'])).toBe(true)
    later.settle()
    expect(later.proxy.read()).toEqual(world.master.read())
    expect(world.master.commandCount).toBe(3)
    expect(later.proxy.rejections).toEqual([])
  })

  test('is lost and told where the page of later does not know it any more', () => {
    const { world, proxy } = open()
    proxy.run('finish', { id: 'a' })
    const later = world.join('ada', { memory: throughJson(proxy.memory), commands: {} })
    expect(later.proxy.rejections).toMatchObject([
      { command: { name: 'finish' }, rejection: { code: 'COMMAND_UNKNOWN' } },
    ])
    expect(later.proxy.read()).toEqual(TASKS)
  })

  test('shows in other tabs, and holds up who builds on it', () => {
    const { proxy, bob } = open()
    proxy.run('finish', { id: 'a' })
    bob.proxy.showOthers([throughJson(proxy.pending)])
    expect(bob.proxy.read()).toEqual(proxy.read())
    expect(bob.proxy.confirmedSnapshot().document).toEqual(TASKS)
    expect(bob.proxy.read()).toEqual(proxy.read())
    bob.proxy.update([], { left: 0 })
    expect(bob.proxy.isHeldUp).toBe(true)
  })

  test('calls those who look at what it makes, and nobody else', () => {
    const { proxy } = open()
    const called: string[] = []
    for (const id of ['a', 'b']) proxy.subscribe(() => called.push(id), ['tasks', id])
    proxy.run('finish', { id: 'a' })
    expect(called).toEqual(['a'])
  })
})

describe('undo', () => {
  test('takes back all that a named command made, under its label, and redo does it again', () => {
    const { ada, proxy, world } = open()
    const undo = new UndoStack(proxy, { describe: ({ action }) => action })
    proxy.run('finish', { id: 'a' })
    expect(undo.state.label).toBe('Finish')
    ada.flush()
    expect(undo.undo()).toMatchObject({ label: 'Finish', skipped: [] })
    ada.settle()
    expect([proxy.read(), world.master.read()]).toEqual([TASKS, TASKS])
    expect(undo.redo()).toMatchObject({ label: 'Finish', skipped: [] })
    ada.settle()
    expect(world.master.read(['tasks', 'a', 'done'])).toBe(true)
    expect(world.master.read(['left'])).toBe(1)
    proxy.run('finishAll')
    expect(undo.state.label).toBe('finishAll')
  })

  test('takes back what the master made of it, and not what it was taken for here', () => {
    const { ada, bob, proxy, world } = open()
    const undo = new UndoStack(proxy)
    proxy.run('finishAll')
    bob.proxy.create(['tasks'], {}, { id: 'd' })
    bob.flush()
    ada.flush()
    undo.undo()
    ada.settle()
    expect(world.master.read(['tasks'])).toEqual({ ...TASKS.tasks, d: {} })
  })

  test('takes back what the master made as it was made here, where only a snapshot tells of it', () => {
    const world = new World<Tasks>(
      { ...TASKS, notes: '' },
      { master: { commands }, proxy: { commands } },
    )
    const [ada, bob] = [world.join('ada'), world.join('bob')]
    const undo = new UndoStack(ada.proxy)
    ada.proxy.run('finish', { id: 'a' })
    bob.proxy.run('finish', { id: 'b' })
    bob.flush()
    const flush = ada.proxy.beginFlush()!
    const answer = ada.send(flush)
    expect(answer.sync.kind).toBe('snapshot')
    ada.proxy.endFlush(answer)
    expect(undo.undo()).toMatchObject({ label: 'Finish', skipped: [] })
    ada.settle()
    expect(world.master.read(['tasks', 'a'])).toEqual({})
    // Of the count nobody can tell what it was before.
    expect(world.master.read(['left'])).toBe(0)
  })

  test.each(['pending', 'confirmed'])('knows it after a reload, when it is %s', (state) => {
    const { world, proxy, bob } = open()
    const undo = new UndoStack(proxy)
    proxy.run('finish', { id: 'a' })
    const steps = throughJson([...undo.memory.values()])
    bob.proxy.update(['tasks', 'b'], { tags: [] })
    bob.flush()
    const later = world.join('ada', { memory: throughJson(proxy.memory) })
    const pending = later.proxy.track({ before: () => {}, given: () => {} })
    const again = new UndoStack(later.proxy)
    again.keep({ steps, pending, clientId: later.proxy.clientId, changed: () => {} })
    if (state === 'confirmed') later.settle()
    expect(again.undo()).toMatchObject({ label: 'Finish', skipped: [] })
    later.settle()
    expect(world.master.read(['tasks', 'a'])).toEqual({})
    expect(world.master.read(['left'])).toBe(undefined)
  })
})

test('whatever happens, who runs named commands and the master come to the same', () => {
  const step = fc.record({
    who: fc.nat(1),
    what: fc.constantFrom(
      'finish',
      'finishAll',
      'note',
      'create',
      'delete',
      'flush',
      'lose',
      'hear',
    ),
    id: fc.constantFrom('a', 'b', 'c', 'd'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const { world, ada, bob, entries } = open()
      for (const { who, what, id } of steps) {
        const peer = [ada, bob][who]!
        const { proxy } = peer
        if (what === 'flush') peer.flush()
        else if (what === 'lose') {
          const flush = proxy.beginFlush()
          if (flush) peer.send(flush)
          if (flush) proxy.cancelFlush()
        } else if (what === 'hear') {
          const { from, hash } = proxy.confirmed
          if (hash !== '') proxy.receive(throughJson(world.master.pull(from, hash)))
        } else if (what === 'create') proxy.create(['tasks'], {}, { id })
        else if (what === 'delete') proxy.delete(['tasks', id])
        else proxy.run(what, what === 'note' ? { what: id } : { id })
      }
      world.settle()
      for (const { proxy } of [ada, bob]) {
        expect(JSON.stringify(proxy.read())).toBe(JSON.stringify(world.master.read()))
        expect(proxy.commandCount).toBe(world.master.commandCount)
      }
      const told = entries().flatMap(({ notes: all = [], commands: of }) =>
        all.flatMap(({ index, run }) => (run ? [index + run.count <= of.length] : [])),
      )
      expect(told.every(Boolean)).toBe(true)
    }),
  )
})
