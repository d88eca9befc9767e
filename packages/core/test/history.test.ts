import { type JsonObject, type LogEntry, Master, type Snapshot } from '@flushout/core'
import { createTestIds, testDigest, throughJson } from '@flushout/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { command, document } from './support/arbitraries.ts'

const options = { createId: createTestIds('master'), digest: testDigest }

test('at every count, replaying the history gives the document that was recorded there', () => {
  fc.assert(
    fc.property(
      document,
      fc.array(fc.array(command, { maxLength: 4 }), { maxLength: 12 }),
      (document, flushes) => {
        const start: Snapshot = { commandCount: 0, hash: 'genesis', document }
        const interceptors = [
          // Not to be run on a replay: it would give other numbers then.
          ((
            _: unknown,
            one: { action: string; props?: JsonObject },
            { random }: { random: () => number },
          ) =>
            one.action === 'update' && random() < 0.3
              ? { props: { ...one.props, dice: random() } }
              : undefined) as never,
        ]
        const master = new Master(start, { ...options, interceptors })
        const entries: LogEntry[] = []
        const recorded: string[] = [JSON.stringify(master.snapshot())]
        flushes.forEach((commands, index) => {
          const flush = {
            protocol: 1,
            clientId: `client-${index}`,
            sequence: 1,
            from: 0,
            hash: '',
            commands,
          } as const
          const { entry } = master.stage(flush, { user: undefined, now: index, seed: `${index}` })
          master.commit()
          if (!entry) return
          entries.push(entry)
          recorded.push(JSON.stringify(master.snapshot()))
        })
        const stored = throughJson(entries)
        for (let from = 0; from <= stored.length; from += 1) {
          // From every recorded snapshot to the end, an entry at a time.
          const replay = new Master(JSON.parse(recorded[from]!) as Snapshot, options)
          expect(JSON.stringify(replay.snapshot())).toBe(recorded[from])
          for (let next = from; next < stored.length; next += 1) {
            replay.advance([stored[next]!])
            expect(JSON.stringify(replay.snapshot())).toBe(recorded[next + 1])
          }
        }
      },
    ),
    { numRuns: 150 },
  )
})
