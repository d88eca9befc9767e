// When everybody is in step and nothing goes wrong any more: what is done now has
// to be heard at once, and what may not be heard any more has to stop in time.
// Heartbeats and questions heal what was missed, so only the clock shows whether
// it was told.
import type { Device } from './device.ts'
import type { Follower } from './follower.ts'
import type { Page, Person } from './person.ts'
import type { Server } from './server.ts'
import type { Stage } from './stage.ts'
import { Violation } from './violation.ts'

/** A scene in which everybody is in step. */
interface Scene extends Stage {
  readonly people: readonly Person[]
  readonly servers: readonly Server[]
  readonly follower: Follower | undefined
  /** Run events until that is so, or a promise is broken. */
  until(isOver: () => boolean, deadline?: number): Promise<void>
}

/** From a commit until those hear of it who have a stream. */
const PROMPT_MS = 1_000
/** How much longer it may take where the server has to find out by itself. */
const TICK_MS = 1_000
/** How long a page takes nothing, some of the time. */
const SLOW_MS = 400
/** The pause of who asks the same as before. */
const PACE_MS = 2_000
const PATIENCE_MS = 60_000
/** The same where only a long poll may tell. */
const LONG_PATIENCE_MS = 100_000

/** Let somebody write, and see who hears of it. */
export async function probe(scene: Scene, isInStep: () => boolean): Promise<void> {
  const { plan, dice } = scene
  if (!plan.hasLive || !dice.chance(plan.probeShare / 100)) return
  for (const key of plan.keys) await probePromptness(scene, key)
  if (dice.chance(0.3)) await probePermission(scene, dice.pick(plan.keys))
  await scene.until(isInStep, scene.scheduler.now + LONG_PATIENCE_MS)
}

async function probePromptness(scene: Scene, key: string): Promise<void> {
  const { people, follower, plan, scheduler, chronicle } = scene
  const writer = scene.dice.pick(people)
  const hearers = people.flatMap(({ page }) => (page && page !== writer.page ? page : []))
  const links = new Map<Device, ReturnType<Device['soundLink']>>()
  for (const device of follower ? [...hearers, follower] : hearers) {
    links.set(device, device.soundLink(key))
  }
  let slowMs = 0
  for (const link of links.values()) {
    if (link?.kind !== 'stream' || !scene.dice.chance(0.2)) continue
    slowMs = SLOW_MS
    link.stall(slowMs)
  }
  if (!(await write(scene, writer, key))) return
  const committedAt = scheduler.now
  const lookMs = plan.hasHints || plan.servers === 1 ? 0 : plan.lookMs + TICK_MS
  const late = () => {
    const pages = hearers.filter(
      (page) => page.models.get(key)!.status.confirmed !== chronicle.head(key),
    )
    const isMissing = follower && follower.listener.missing().length > 0
    return isMissing ? [...pages, follower] : pages
  }
  const boundMs = PROMPT_MS + lookMs + slowMs
  await scene.until(() => late().length === 0 || scheduler.now > committedAt + boundMs)
  const isPolling = late().some((device) => links.get(device)?.kind === 'poll')
  if (isPolling) {
    await scene.until(() => late().length === 0 || scheduler.now > committedAt + boundMs + PACE_MS)
  }
  for (const device of late()) {
    const link = links.get(device)
    if (!link || link !== device.soundLink(key)) continue
    throw new Violation('prompt', `${device.person.name} did not hear of ${key}`, {
      expected: chronicle.head(key),
      found: (device as Partial<Page>).models?.get(key)?.status.confirmed ?? 'no event',
    })
  }
}

/** Somebody loses a permission while a stream is open, and somebody else writes. */
async function probePermission(scene: Scene, key: string): Promise<void> {
  const { people, servers, permissions, dice, scheduler, weather } = scene
  const [writer, reader] = [people[0]!, people[1]!]
  if (weather.counts.has('client is cloned')) return
  scene.trace(`${reader.name} may not read ${key} any more`)
  permissions.revoke(reader.user, key)
  const isTold = dice.chance(0.5)
  if (isTold) {
    for (const server of servers) server.tellOfAccess({ userId: reader.user.id, key })
    await write(scene, writer, key)
  } else {
    const end = scheduler.now + servers[0]!.graceMs
    await scene.until(() => scheduler.now > end)
    await write(scene, writer, key)
  }
  const end = scheduler.now + PROMPT_MS
  await scene.until(() => scheduler.now > end)
  scene.admitAll()
}

/** Let somebody write; false if that came to nothing. */
async function write(scene: Scene, writer: Person, key: string): Promise<boolean> {
  const { chronicle, scheduler } = scene
  const before = chronicle.head(key)
  const end = scheduler.now + PATIENCE_MS
  scene.guard(() => writer.probe(key))
  await scene.until(() => chronicle.head(key) > before || !writer.hasPending(key), end)
  return chronicle.head(key) > before
}
