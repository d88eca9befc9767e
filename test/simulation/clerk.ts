import { isFlushoutError } from '@flushout/core'
import type { FlushoutService } from '@flushout/server'
import { checkVersion, CLERK } from './audit-past.ts'
import type { Chronicle } from './chronicle.ts'
import type { Erasing } from './deeds.ts'
import type { Dice } from './dice.ts'
import { SECRETS } from './desk.ts'
import type { Life } from './connection.ts'
import { toRefusal } from './message.ts'
import type { Stage } from './stage.ts'

/** A server that can be asked by the application in its process. */
interface Asked {
  readonly name: string
  ask(work: (service: FlushoutService) => Promise<void>): Pick<Life, 'isOver'> | undefined
}

/** Something that a process was asked to do; undefined if it was not there. */
interface Question {
  life: Pick<Life, 'isOver'> | undefined
}

/** A stage with servers that somebody may ask. */
interface Office extends Stage {
  readonly servers: readonly Asked[]
}

const REWRITES = ['database put back', 'database loses its tail', 'model made anew'] as const

/** Somebody in charge: has things erased, and reads old versions. */
export class Clerk {
  readonly #stage: Office
  readonly #dice: Dice
  readonly #open = new Set<Question>()

  constructor(stage: Office, dice: Dice) {
    this.#stage = stage
    this.#dice = dice
  }

  /** Whether something is under way that a server will still do. */
  get isBusy(): boolean {
    return [...this.#open].some(({ life }) => life?.isOver === false)
  }

  plan(): void {
    const { scheduler, plan, weather } = this.#stage
    const soon = (run: () => void) => {
      scheduler.after(300 + this.#dice.roll() * plan.stormMs, () => {
        if (!this.#stage.isCalm) this.#stage.guard(run)
      })
    }
    // One that meets a restored backup may come to another history than it was asked for.
    const mayErase = !REWRITES.some((fault) => weather.has(fault))
    for (let left = this.#dice.between(0, 2); left > 0; left -= 1) {
      if (mayErase) soon(() => this.#erase(this.#dice.pick(plan.keys)))
    }
    for (let left = this.#dice.between(0, 3); left > 0; left -= 1) soon(() => this.#read())
  }

  /** Have something erased of each model, as nothing goes wrong any more. */
  tidy(): void {
    for (const key of this.#stage.plan.keys) this.#erase(key)
  }

  #erase(key: string): void {
    const { chronicle, deeds, deleted } = this.#stage
    const secret = this.#dice.pick(SECRETS)
    const isTodo = this.#dice.chance(0.2)
    const path = isTodo ? ['todos', 't1'] : ['secrets', secret]
    if (isTodo) deleted.add('t1')
    const secrets = isTodo ? [] : findSecrets(key, secret, chronicle)
    const rewrites = chronicle.rewrites(key)
    const erasing: Erasing = { key, path, secrets, rewrites, isDone: false }
    deeds.erasings.push(erasing)
    this.#ask(`to erase ${path.join('/')} of ${key}`, async (service) => {
      await service.models.erase(key, path)
      erasing.isDone = true
      this.#stage.trace(`${path.join('/')} of ${key} is erased`)
    })
  }

  #read(): void {
    const { chronicle, plan, deeds } = this.#stage
    const key = this.#dice.pick(plan.keys)
    const count = this.#dice.between(0, chronicle.head(key))
    const rewrites = chronicle.rewrites(key)
    const erased = deeds.erasings.filter(({ isDone }) => isDone)
    this.#ask(`for version ${count} of ${key}`, async (service) => {
      const version = await service.snapshotAt(key, count, CLERK)
      if (chronicle.rewrites(key) !== rewrites) return
      checkVersion(key, count, version, { chronicle, deeds, erased })
    })
  }

  #ask(what: string, work: (service: FlushoutService) => Promise<void>): void {
    const server = this.#dice.pick(this.#stage.servers)
    this.#stage.trace(`the clerk asks ${server.name} ${what}`)
    const question: Question = { life: undefined }
    this.#open.add(question)
    question.life = server.ask(async (service) => {
      try {
        await work(service)
      } catch (error) {
        this.#stage.trace(`${server.name} tells the clerk: ${String(error)}`)
        if (isFlushoutError(error)) return
        this.#stage.guard(() => toRefusal((violation) => this.#stage.fail(violation), error))
      } finally {
        this.#open.delete(question)
      }
    })
  }
}

/** What was ever written there, as far as it is in the history. */
function findSecrets(key: string, name: string, chronicle: Chronicle): string[] {
  const entries = chronicle.annals(key)?.entries ?? []
  const text = JSON.stringify(entries.map(({ commands }) => commands))
  return [...new Set(text.match(new RegExp(`hush ${name} [^;]*;`, 'g')))]
}
