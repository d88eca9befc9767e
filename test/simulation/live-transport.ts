import type { Transport } from '@flushout/client'
import { FlushoutError, type LiveEvent, type PresenceRequest } from '@flushout/core'
import { Link } from './link.ts'
import type { Sender } from './sender.ts'
import type { Stage } from './stage.ts'

/** How a page hears of what others do, over a network that may lose all of it. */
export function createLiveTransport(sender: Sender, stage: Stage): NonNullable<Transport['live']> {
  return {
    stream: (request, hear, signal) =>
      new Link('stream', request, hear, { sender, stage, signal }).begin(),
    poll: async (request, signal) => {
      const events: LiveEvent[] = []
      const hear = (event: LiveEvent) => void events.push(event)
      await new Link('poll', request, hear, { sender, stage, signal }).begin()
      return events
    },
    announce: (presence, signal) => announce(sender, stage, presence, signal),
  }
}

/** A message that may be lost, late or repeated, and its answer, which may be lost. */
function announce(
  sender: Sender,
  stage: Stage,
  presence: PresenceRequest,
  signal: AbortSignal,
): Promise<void> {
  const { scheduler, weather, dice } = stage
  const text = JSON.stringify(presence)
  stage.trace(`${sender.person.name} announces ${text}`)
  return new Promise((resolve, reject) => {
    const hear = (tell: () => void) => {
      if (weather.strikes('answer lost') || sender.answersCutOffUntil > scheduler.now) return
      scheduler.after(1 + dice.roll() * 10, () =>
        sender.run(() => {
          if (!signal.aborted) tell()
        }),
      )
    }
    const broken = () => hear(() => reject(new FlushoutError('NETWORK', 'The connection broke.')))
    const arrive = () => {
      const server = stage.balance()
      if (!server) return broken()
      stage.trace(`${server.name} gets an announcement of ${sender.person.name}`)
      const user = sender.account.isLoggedIn ? sender.user : undefined
      server.announce(text, user, (reply) => {
        stage.trace(`${server.name} ${reply.ok ? 'takes it' : reply.error.code}`)
        hear(() => {
          if (reply.ok) return resolve()
          const { code, message, retry } = reply.error
          reject(new FlushoutError(code as 'BUSY', message, { retry: retry as 'never' }))
        })
      })
    }
    signal.addEventListener('abort', () => reject(signal.reason))
    if (sender.cutOffUntil > scheduler.now || weather.strikes('request lost')) return broken()
    let wayMs = 1 + dice.roll() * 10
    if (weather.strikes('message slow')) wayMs += dice.between(100, 1_500)
    scheduler.after(wayMs, arrive)
    if (weather.strikes('request repeated')) scheduler.after(wayMs + dice.roll() * 2_000, arrive)
  })
}
