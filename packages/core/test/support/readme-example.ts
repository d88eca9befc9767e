import { createHash, getRandomValues } from 'node:crypto'
import { CommandProxy, createIdFactory, Master, type Interceptor } from '@flushout/core'

type TodoList = { todos: { [id: string]: { text: string; done?: boolean; createdAt?: number } } }

const createId = createIdFactory({
  now: Date.now,
  fillRandom: (bytes) => void getRandomValues(bytes),
})
const digest = (text: string) => createHash('sha256').update(text).digest('base64url')

// The authority: decides the order, and stamps new todos with its own clock.
const stamp: Interceptor = (_document, command, { now }) =>
  command.action === 'create' ? { props: { ...command.props, createdAt: now } } : undefined
const start = { commandCount: 0, hash: 'start', document: { todos: {} } }
const master = new Master(start, { createId, digest, interceptors: [stamp] })

// A local copy: changes at once, tells the master later.
const proxy = new CommandProxy<TodoList>(start, { createId, now: Date.now })
proxy.subscribe(() => console.log(proxy.read()))
const milk = proxy.create(['todos'], { text: 'Milk' })
proxy.update(['todos', milk.id], { done: true })

// One exchange. Over a network, flush and answer travel as JSON.
const flush = proxy.beginFlush()!
const answer = master.apply(flush, { user: { id: 'ada' }, now: Date.now(), seed: createId() })
proxy.endFlush(answer)

console.log(await milk.verdict) // { kind: 'amended', command: { …, props: { text: 'Milk', createdAt: … } } }
console.log(proxy.read(['todos', milk.id])) // { text: 'Milk', createdAt: …, done: true }
console.log(proxy.status) // { queued: 0, inFlight: 0, confirmed: 2, rejected: 0 }

// What the test of the README looks at.
export { master, milk, proxy }
