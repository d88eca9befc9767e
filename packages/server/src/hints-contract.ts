import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { DefineTest } from './define-test.ts'
import type { Hints, Notice } from './hints.ts'

/**
 * What the hints of every store have to keep, as tests. `createHints` gives
 * another end of the same hints with each call.
 */
export function hintsContract(test: DefineTest, createHints: () => Hints | Promise<Hints>): void {
  test('what one publishes is heard by all others, and not by itself', async () => {
    const [ada, bob, cleo] = await openEnds(createHints, 3)
    for (const notice of NOTICES) ada!.hints.publish(notice)
    await until('all is heard', () => bob!.has(NOTICES) && cleo!.has(NOTICES))
    const answer: Notice = { kind: 'alive', server: 'bob' }
    bob!.hints.publish(answer)
    await until('the answer is heard', () => ada!.has([answer]))
    const own = NOTICES.filter((notice) => notice.kind !== 'roll-call' && ada!.has([notice]))
    deepStrictEqual(own, [])
    closeEnds([ada!, bob!, cleo!])
  })

  test('nothing is heard before publish returns', async () => {
    const [ada, bob] = await openEnds(createHints, 2)
    ada!.hints.publish(NOTICES[0]!)
    ok(!bob!.has([NOTICES[0]!]), 'it was heard before publish returned')
    await until('it is heard', () => bob!.has([NOTICES[0]!]))
    closeEnds([ada!, bob!])
  })

  test('of many heads the last is heard', async () => {
    const [ada, bob] = await openEnds(createHints, 2)
    const head = (commandCount: number): Notice => ({ ...HEAD, commandCount })
    for (let count = 1; count <= 1000; count += 1) {
      ada!.hints.publish(head(count))
      if (count % 100 === 0) await pause(1)
    }
    await until('the last is heard', () => bob!.has([head(1000)]))
    closeEnds([ada!, bob!])
  })

  test('who stopped listening hears nothing, until they listen again', async () => {
    const [ada, bob] = await openEnds(createHints, 2)
    const other = new End(bob!.hints)
    await meet(ada!, other)
    const first = bob!.notices.length
    bob!.stop()
    bob!.stop()
    ada!.hints.publish(HEAD)
    await until('the other hears', () => other.has([HEAD]))
    equal(bob!.notices.length, first)
    other.stop()
    ada!.hints.publish(HEAD)
    const again = new End(bob!.hints)
    await meet(ada!, again)
    equal(bob!.notices.length, first)
    closeEnds([ada!, again])
  })
}

const HEAD = {
  kind: 'head',
  key: 'todos:"ä"\\%',
  commandCount: 7,
  hash: 'h',
} as const satisfies Notice
const PEER = { key: 'todos:a', peer: 'p', userId: 'ada', sequence: 3, server: 's' }

const NOTICES: readonly Notice[] = [
  HEAD,
  { kind: 'model', key: 'todos:a', change: 'create' },
  { kind: 'model', key: 'todos:a', change: 'configure' },
  { kind: 'model', key: 'todos:a', change: 'delete' },
  { kind: 'erased', key: 'todos:a' },
  { kind: 'access' },
  { kind: 'access', userId: 'ada' },
  { kind: 'access', userId: 'ada', key: 'todos:a' },
  { kind: 'presence', ...PEER, state: { at: '\u0000 🙂', list: [1, null] } },
  { kind: 'presence', ...PEER, peer: 'q', userId: null, state: null },
  { kind: 'alive', server: 's' },
  { kind: 'roll-call' },
]

/** One end, and what was heard there. */
class End {
  readonly hints: Hints
  readonly notices: Notice[] = []
  readonly stop: () => void

  constructor(hints: Hints) {
    this.hints = hints
    this.stop = hints.listen((notice) => void this.notices.push(notice))
  }

  has(notices: readonly Notice[]): boolean {
    const heard = new Set(this.notices.map((notice) => JSON.stringify(notice)))
    return notices.every((notice) => heard.has(JSON.stringify(notice)))
  }
}

/** Ends that hear each other, and have heard nothing that a test is about. */
async function openEnds(createHints: () => Hints | Promise<Hints>, count: number): Promise<End[]> {
  const ends: End[] = []
  for (let index = 0; index < count; index += 1) ends.push(new End(await createHints()))
  for (const a of ends) for (const b of ends) if (a !== b) await meet(a, b)
  for (const end of ends) {
    deepStrictEqual(
      end.notices.filter(({ kind }) => kind !== 'alive' && kind !== 'roll-call'),
      [],
    )
  }
  return ends
}

/** Listening begins some time after it was asked for. */
async function meet(speaker: End, listener: End): Promise<void> {
  const notice: Notice = { kind: 'alive', server: crypto.randomUUID() }
  await until('one hears the other', () => {
    speaker.hints.publish(notice)
    return listener.has([notice])
  })
}

function closeEnds(ends: readonly End[]): void {
  for (const end of ends) end.stop()
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (const start = Date.now(); !isTrue(); await pause(5)) {
    ok(Date.now() - start < 10_000, `Waited too long until ${what}.`)
  }
}
