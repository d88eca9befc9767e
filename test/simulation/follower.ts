import { createClient, type Client } from '@flushout/client'
import type { LiveEvent, User } from '@flushout/core'
import { Account } from './account.ts'
import { Device } from './device.ts'
import type { Ledger } from './ledger.ts'
import { Listener } from './listener.ts'
import { createTransport } from './network.ts'
import { TIMING } from './person.ts'
import type { Stage } from './stage.ts'

const SOMEBODY = {
  name: 'fan',
  user: { id: 'fan' } as User,
  account: new Account(),
  skewMs: 0,
}

/** A page that holds no document and hears of items as events. */
export class Follower extends Device {
  readonly client: Client
  readonly outgoing: ReadonlyMap<string, Ledger> = new Map()
  readonly listener: Listener

  constructor(stage: Stage, seed: number, isBlocked: boolean) {
    super({ ...SOMEBODY, isBlocked }, stage, seed)
    const { plan, chronicle } = stage
    this.client = createClient({
      transport: createTransport(this, stage),
      environment: this.environment,
      flush: { ...TIMING, pollMs: plan.askMs },
      user: this.user,
    })
    this.listener = new Listener('fan', plan.feed, chronicle)
    this.client.follow({ models: plan.pattern, ...plan.feed }, (event) => {
      stage.trace(`fan hears of ${JSON.stringify(event)}`)
      stage.guard(() => this.listener.hear(event))
    })
  }

  override heard(event: LiveEvent): void {
    if (event.event !== 'heads') return
    for (const [key, { commandCount }] of Object.entries(event.heads)) {
      this.listener.begin(key, commandCount)
    }
  }
}
