import type { User } from '@flushout/core'
import type { Bus } from './bus.ts'
import type { Chronicle } from './chronicle.ts'
import type { Database } from './database.ts'
import type { Deeds } from './deeds.ts'
import type { Dice } from './dice.ts'
import type { LinkRequest, Message, Outlet, Reply } from './message.ts'
import type { Permissions } from './permissions.ts'
import type { Plan } from './plan.ts'
import type { Scheduler } from './scheduler.ts'
import type { Violation } from './violation.ts'
import type { Watched } from './watch.ts'
import type { Weather } from './weather.ts'

/** What everybody in a world has in common. */
export interface Stage {
  readonly dice: Dice
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly weather: Weather
  readonly database: Database
  readonly chronicle: Chronicle
  readonly permissions: Permissions
  readonly bus: Bus
  /** The last answer that each person got about each model. */
  readonly answers: Map<string, string>
  /** The first verdicts of each flush. */
  readonly verdicts: Map<string, string>
  /** The ids of todos that somebody deleted, or something in them. */
  readonly deleted: Set<string>
  /** What people did that has to hold in a way of its own. */
  readonly deeds: Deeds
  isDatabaseDown: boolean
  /** Until when nothing lets streams through. */
  blockedUntil: number
  /** No more edits and no more faults. */
  readonly isCalm: boolean
  /** Whether anybody is to read about the run. */
  readonly isTold: boolean
  /** Say what happens. */
  trace(line: string): void
  /** Note what does not hold: the run ends with it. */
  fail(violation: Violation): never
  /** Run something that must not throw. */
  guard(callback: () => void): void
  /** What happened to a page may have changed it. */
  touch(page: Watched): void
  /** A message is on its way that takes so long, and perhaps nobody waits for it. */
  strays(wayMs: number): void
  /** The server for the next message; undefined if it went to one that is down. */
  balance(): Addressee | undefined
  /** Whether two clients may have sent something under one name. */
  readonly mayShareIds: boolean
  /** Whether a client may rightly be told that its past is not the server's. */
  hasReasonForAlarm(key: string): boolean
  /** Everybody may do everything again, and who could not tells the app so. */
  admitAll(): void
}

/** Who gets a message. */
interface Addressee {
  readonly name: string
  /** `answer` is called at most once: the dead say nothing. */
  serve(message: Message, answer: (reply: Reply) => void): void
  /** Let the page behind `outlet` hear of what happens, or of the next that happens. */
  open(request: LinkRequest, outlet: Outlet): void
  /** Take in what somebody tells the others. */
  announce(presence: string, user: User | undefined, answer: (reply: Reply) => void): void
}
