import { auditContent, auditEdits, auditReplay, auditRules } from './audit.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

const NOT_THERE = { state: 'gone', queued: 0, inFlight: 0, confirmed: 0, error: undefined }
const PROTOTYPE_NAMES = Reflect.ownKeys(Object.prototype).length

/** Who does not hold what the database holds, or has something of their own, in words. */
export function stragglers(world: World): string[] {
  const { servers, plan, people, chronicle } = world
  const found = servers.filter(({ isServing }) => !isServing).map(({ name }) => `${name} is down`)
  if (world.scheduler.now < world.strayUntil) found.push('a message is under way')
  for (const key of plan.keys) {
    const head = chronicle.head(key)
    for (const { name, page } of people) {
      const model = page?.models.get(key)
      const { queued, inFlight, confirmed, state, error } = model?.status ?? NOT_THERE
      const isAsked = (page?.syncedAt.get(key) ?? 0) >= (chronicle.annals(key)?.changedAt ?? 0)
      const isDone = model?.isLoaded && queued + inFlight === 0 && confirmed === head
      if (isDone && isAsked && state === 'online') continue
      found.push(
        `${name} at ${key}: ${state}, confirmed ${confirmed} of ${head}, ` +
          `${queued} queued, ${inFlight} in flight, ${error?.code ?? 'no error'}`,
      )
    }
  }
  return found
}

/** Audit everything when all is at rest, and then let everybody go. */
export async function auditRest(world: World): Promise<void> {
  world.trace('--- rest ---')
  for (const key of world.plan.keys) {
    const content = await world.database.look(key)
    if (!content) throw new Violation('not lost', `${key} is gone`)
    auditContent(key, content, world.chronicle)
    if (world.plan.hasRules) auditRules(key, world.chronicle)
    const isPlain = !world.hasReasonForAlarm(key)
    await auditServed(world, key, auditReplay(key, content, world.chronicle, isPlain))
  }
  auditEdits(
    world.people.flatMap(({ ledgers }) => ledgers),
    world.chronicle,
  )
  for (const { name, page } of world.people) {
    for (const { edits, key } of page!.ledgers.values()) {
      const untold = edits.find(({ receipt }) => !receipt.outcome)
      if (untold)
        throw new Violation('told', `${name} was never told about ${untold.mark} in ${key}`)
    }
  }
  await close(world)
  const names = Reflect.ownKeys(Object.prototype).length
  if (names !== PROTOTYPE_NAMES) throw new Violation('clean', 'Object.prototype has other keys')
}

/** Everybody sees the very document that the history gives. */
async function auditServed(world: World, key: string, expected: string): Promise<void> {
  for (const { name, page } of world.people) {
    const found = JSON.stringify(page!.models.get(key)!.read())
    if (found !== expected)
      throw new Violation('converged', `${name} at ${key}`, { expected, found })
    const observed = JSON.stringify(page!.observed.get(key))
    if (observed !== found) {
      throw new Violation('observed', `${name} at ${key}`, { expected: found, found: observed })
    }
  }
  for (const server of world.servers) {
    const user = world.people[0]!.user
    const { document } = await world.wait(server.service!.snapshot(key, user))
    const found = JSON.stringify(document)
    if (found !== expected) {
      throw new Violation('replayable', `${server.name} serves another ${key}`, {
        expected,
        found,
      })
    }
  }
}

async function close(world: World): Promise<void> {
  for (const { page, name } of world.people) {
    page!.client.close()
    await world.scheduler.settle()
    if (page!.timers !== 0) {
      throw new Violation('bounded', `${page!.timers} timers of ${name} are left after close`)
    }
  }
  // What is still under way arrives; nothing new begins.
  await world.until(() => false)
  for (const server of world.servers) {
    const { service } = server
    const { bytes } = service!.usage
    if (bytes > world.plan.cacheBytes) {
      throw new Violation('bounded', `${server.name} keeps more than it may`, {
        expected: world.plan.cacheBytes,
        found: bytes,
      })
    }
    await world.wait(service!.close())
    const { usage } = service!
    if (usage.bytes !== 0 || usage.models !== 0) {
      throw new Violation('bounded', `${server.name} keeps something after close`, {
        found: usage,
      })
    }
  }
}
