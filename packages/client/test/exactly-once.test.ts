import { FlushoutError, type ErrorCode } from '@flushout/core'
import type { Fault } from '@flushout/client/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { enter, serveTodos, textsOn, type Player } from './support/play.ts'

const NAMES = ['ada', 'bob', 'cem']
// 1,000 lost messages in an ordinary run of the tests.
const RUNS = Number(process.env['RUNS'] ?? 150)
const LOSSES = 7 * RUNS

type Step =
  | { readonly kind: 'type' | 'wake' | 'flush' | 'pause' | 'resume'; readonly who: number }
  | { readonly kind: 'fault'; readonly who: number; readonly fault: Fault }
  | { readonly kind: 'advance'; readonly who: number; readonly ms: number }

const who = fc.nat({ max: NAMES.length - 1 })
const refusal = fc
  .constantFrom<ErrorCode>('BUSY', 'INTERNAL', 'UNAVAILABLE', 'UNAUTHENTICATED')
  .map((code): Fault => ({ kind: 'refuse', error: new FlushoutError(code, 'By chance.') }))
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Fault>({ kind: 'drop-request' }) },
  { weight: 5, arbitrary: fc.constant<Fault>({ kind: 'drop-answer' }) },
  { weight: 2, arbitrary: fc.constant<Fault>({ kind: 'repeat' }) },
  { weight: 2, arbitrary: fc.anything().map((answer): Fault => ({ kind: 'garbage', answer })) },
  { weight: 1, arbitrary: refusal },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('type' as const), who }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('fault' as const), who, fault }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      who,
      ms: fc.nat({ max: 1_500 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('wake' as const, 'flush' as const, 'pause' as const, 'resume' as const),
      who,
    }),
  },
)

async function play(player: Player, one: Step, count: number): Promise<void> {
  const { client, environment, model, network } = player
  if (one.kind === 'type') player.type(`${NAMES[one.who]} ${count}`)
  else if (one.kind === 'fault') network.plan(one.fault)
  else if (one.kind === 'advance') await environment.advance(one.ms)
  else if (one.kind === 'wake') await environment.wake()
  else if (one.kind === 'pause') client.pause()
  else if (one.kind === 'resume') client.resume()
  else void model.flush()
}

async function recover({ client, environment, network }: Player): Promise<void> {
  network.heal()
  client.resume()
  await environment.advance(35_000)
}

test('however messages are lost, every edit takes effect once, in the order of its author', async () => {
  let losses = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 400, 100_000),
      fc.array(step, { minLength: 40, maxLength: 120 }),
      async (maxHistoryBytes, steps) => {
        const server = serveTodos({ maxHistoryBytes })
        const players = await Promise.all(NAMES.map((name) => enter(server, { name })))
        const typed: string[] = []
        for (const [index, one] of steps.entries()) {
          await play(players[one.who]!, one, index)
          if (one.kind === 'type') typed.push(`${NAMES[one.who]} ${index}`)
        }
        // Twice: the first to recover has to hear of the others.
        for (const player of [...players, ...players]) await recover(player)

        const held = textsOn(server)
        for (const name of NAMES) {
          const own = (text: string) => text.startsWith(name)
          expect(held.filter(own)).toEqual(typed.filter(own))
        }
        for (const { client, environment, model, network, texts } of players) {
          expect(texts()).toEqual(held)
          expect(model.rejections).toEqual([])
          expect(model.status).toMatchObject({ state: 'polling', queued: 0, inFlight: 0 })
          expect(model.status.confirmed).toBe(typed.length)
          losses += network.sent.filter((sent) => sent.fault?.kind.startsWith('drop')).length
          client.close()
          expect(environment.timers).toBe(0)
        }
      },
    ),
    // The same scripts each time; `SEED=7` plays others.
    { numRuns: RUNS, seed: Number(process.env['SEED'] ?? 1) },
  )
  expect(losses).toBeGreaterThan(LOSSES)
})
