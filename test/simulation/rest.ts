import { auditContent, auditEdits, auditReplay, auditRules, currentDocument } from './audit.ts'
import { auditDeeds } from './audit-deeds.ts'
import { auditOrder } from './audit-order.ts'
import { auditPast } from './audit-past.ts'
import { auditBuilt, auditProfiles, leftOnDisk } from './audit-profiles.ts'
import type { Clerk } from './clerk.ts'
import { Violation } from './violation.ts'
import type { Follower } from './follower.ts'
import type { Page, Person } from './person.ts'
import type { Profile } from './profile.ts'
import type { Server } from './server.ts'
import type { Stage } from './stage.ts'

/** A scene that comes to rest. */
interface Scene extends Stage {
  readonly people: readonly Person[]
  readonly profiles: readonly Profile[]
  readonly servers: readonly Server[]
  readonly follower: Follower | undefined
  readonly clerk: Clerk | undefined
  /** Until when a message may take effect for which nobody waits any more. */
  readonly strayUntil: number
  /** Run events until that is so, or a promise is broken. */
  until(isOver: () => boolean): Promise<void>
  /** Let time pass until `promise` settles. */
  wait<Result>(promise: Promise<Result>): Promise<Result>
}

const UNKNOWABLE = [
  'answer garbled',
  'answer of another exchange',
  'client is cloned',
  'commit lands late',
] as const
/** The longest that a client waits before it asks for what it was told of. */
const SOON_MS = 250
const AT_REST: ReadonlySet<string> = new Set(['online', 'live', 'polling'])
/** Clones are one to the others, and who is refused a model that is gone is not shown in the next. */
const INVISIBLE = [
  'client is cloned',
  'profile is cloned',
  'profile put back',
  'model made anew',
  'database put back',
] as const
/** Nobody waits for a page that does not answer. */
const STANDING = ['client sleeps', 'gateway sleeps', 'disk stands still'] as const
const NOT_THERE = { state: 'gone', queued: 0, inFlight: 0, confirmed: 0, error: undefined }
const PROTOTYPE_NAMES = Reflect.ownKeys(Object.prototype).length

/** Who does not hold what the database holds, or has something of their own, in words. */
export function stragglers(scene: Scene): string[] {
  const { servers, plan, people, chronicle } = scene
  const found = servers.filter(({ isServing }) => !isServing).map(({ name }) => `${name} is down`)
  if (scene.scheduler.now < scene.strayUntil) found.push('a message is under way')
  if (scene.clerk?.isBusy) found.push('the clerk waits for an answer')
  for (const key of plan.keys) {
    const head = chronicle.head(key)
    for (const { name, page } of people) {
      const model = page?.models.get(key)
      const { queued, inFlight, confirmed, state, error } = model?.status ?? NOT_THERE
      const isAsked = page?.profile
        ? isKept(scene, page, key)
        : (page?.syncedAt.get(key) ?? 0) >= (chronicle.annals(key)?.changedAt ?? 0) ||
          isTold(scene, page, key)
      const isDone = model?.isLoaded && queued + inFlight === 0 && confirmed === head
      if (isDone && isAsked && AT_REST.has(state)) continue
      found.push(
        `${name} at ${key}: ${state}, confirmed ${confirmed} of ${head}, ` +
          `${queued} queued, ${inFlight} in flight, ${error?.code ?? 'no error'}`,
      )
    }
  }
  if (found.length > 0) return found
  for (const profile of scene.profiles) found.push(...leftOnDisk(profile))
  for (const { listener } of servers) found.push(...(listener?.missing() ?? []))
  return [...found, ...(scene.follower?.listener.missing() ?? [])]
}

/** Who sees others where they are not, or does not see them where they are, in words. */
export function misseen({ people, plan, weather }: Scene): string[] {
  // Servers that do not hear each other know their own.
  if (!plan.hasHints && plan.servers > 1) return []
  if (INVISIBLE.some((fault) => weather.counts.has(fault))) return []
  const all = people.flatMap(({ page }) => page?.whereabouts ?? [])
  return all.flatMap((one) => {
    const others = all.filter((other) => other !== one)
    return plan.keys.flatMap((key) => one.missed(key, others))
  })
}

/**
 * Whether a page said that it holds the head as it is, or was told of that and
 * found nothing in it to ask for.
 */
function isTold({ chronicle, scheduler }: Scene, page: Page | undefined, key: string): boolean {
  const hash = chronicle.headHash(key)
  if (page?.held.get(key) === hash) return true
  const told = page?.told.get(key)
  if (!told || told.hash !== hash) return false
  const asking = page!.asking.get(key)
  return scheduler.now > told.at + SOON_MS && (!asking || asking.signal.aborted)
}

/** Whether a page to which others speak holds the document that everybody should. */
function isKept({ chronicle }: Scene, page: Page | undefined, key: string): boolean {
  const model = page?.profile && page.models.get(key)
  if (!model?.isLoaded || model.status.confirmed !== chronicle.head(key)) return false
  return JSON.stringify(model.read()) === currentDocument(key, chronicle)
}

/** Audit everything when all is at rest, and then let everybody go. */
export async function auditRest(scene: Scene): Promise<void> {
  scene.trace('--- rest ---')
  for (const key of scene.plan.keys) {
    const content = await scene.database.look(key)
    if (!content) throw new Violation('not lost', `${key} is gone`)
    auditContent(key, content, scene.chronicle)
    if (scene.plan.hasRules) auditRules(key, scene.chronicle)
    // Tabs that take one name at a time are the case of docs/reliability.md.
    const isPlain = !scene.hasReasonForAlarm(key) && scene.profiles.length === 0
    await auditServed(scene, key, auditReplay(key, content, scene.chronicle, isPlain))
  }
  auditEdits(
    scene.people.flatMap(({ ledgers }) => ledgers),
    scene.chronicle,
    scene.mayShareIds,
  )
  auditDeeds(scene.deeds, scene.chronicle)
  auditOrder(scene.deeds, scene.chronicle)
  if (scene.plan.hasHabits) await auditPast(scene)
  auditProfiles(scene.profiles, scene.chronicle)
  if (!STANDING.some((fault) => scene.weather.counts.has(fault))) {
    auditBuilt(scene.profiles, scene.chronicle)
  }
  for (const { name, page } of scene.people) {
    for (const { edits, key } of page!.ledgers.values()) {
      const untold = edits.find(({ receipt }) => !receipt.outcome)
      if (untold)
        throw new Violation('told', `${name} was never told about ${untold.mark} in ${key}`)
    }
  }
  auditSetbacks(scene)
  await close(scene)
  if (scene.bus.listeners > 0) {
    throw new Violation('bounded', `${scene.bus.listeners} servers still listen`)
  }
  const names = Reflect.ownKeys(Object.prototype).length
  if (names !== PROTOTYPE_NAMES) throw new Violation('clean', 'Object.prototype has other keys')
}

/**
 * Who held what is lost was told so. Not where nobody can know: history that is
 * trimmed, a second loss amid the first, a client that claims no past (after an
 * answer that it could not use, or as the clone of another), a late statement that
 * brings back what was lost.
 */
function auditSetbacks({ people, plan, chronicle, weather }: Scene): void {
  if (plan.history !== 'all') return
  if (UNKNOWABLE.some((fault) => weather.counts.has(fault))) return
  for (const { name, page } of people) {
    if (page!.profile) continue
    for (const [key, before] of page!.setbacks) {
      const { historyChanges } = page!.models.get(key)!.status
      if (chronicle.rewrites(key) > 1 || historyChanges > before) continue
      // A server that had not heard of its commit did the very same again.
      if (chronicle.hasRevived(key)) continue
      throw new Violation('setback told', `${name} was never told that ${key} was put back`)
    }
  }
}

/** Everybody sees the very document that the history gives. */
async function auditServed(scene: Scene, key: string, expected: string): Promise<void> {
  for (const { name, page } of scene.people) {
    const found = JSON.stringify(page!.models.get(key)!.read())
    if (found !== expected)
      throw new Violation('converged', `${name} at ${key}`, { expected, found })
    const observed = JSON.stringify(page!.observed.get(key))
    if (observed !== found) {
      throw new Violation('observed', `${name} at ${key}`, { expected: found, found: observed })
    }
  }
  for (const server of scene.servers) {
    const user = scene.people[0]!.user
    const { document } = await scene.wait(server.service!.snapshot(key, user))
    const found = JSON.stringify(document)
    if (found !== expected) {
      throw new Violation('replayable', `${server.name} serves another ${key}`, {
        expected,
        found,
      })
    }
  }
}

async function close(scene: Scene): Promise<void> {
  for (const { page, name } of scene.people) {
    page!.client.close()
    const closed = page!.storage?.close()
    if (closed) await scene.wait(closed)
    await scene.scheduler.settle()
    if (page!.timers !== 0) {
      throw new Violation('bounded', `${page!.timers} timers of ${name} are left after close`)
    }
  }
  scene.follower?.client.close()
  scene.follower?.end()
  for (const server of scene.servers) server.unfollow()
  // What is still under way arrives; nothing new begins.
  await scene.until(() => false)
  for (const server of scene.servers) {
    const { service } = server
    const { bytes, streams, channels, peers } = service!.usage
    if (streams + channels + peers > 0) {
      throw new Violation('bounded', `${server.name} keeps what nobody follows`, {
        found: service!.usage,
      })
    }
    if (bytes > scene.plan.cacheBytes) {
      throw new Violation('bounded', `${server.name} keeps more than it may`, {
        expected: scene.plan.cacheBytes,
        found: bytes,
      })
    }
    await scene.wait(service!.close())
    const { usage } = service!
    if (usage.bytes !== 0 || usage.models !== 0) {
      throw new Violation('bounded', `${server.name} keeps something after close`, {
        found: usage,
      })
    }
  }
}
