import type { JsonObject } from '@flushout/core'
import { World } from '@flushout/core/testing'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { expectingRaces, races, START, toTable } from './support/races.ts'

describe('when two clients meet', () => {
  for (const { title, first, second, outcome, document } of [...races, ...expectingRaces]) {
    test(`${title}, whoever hears of it how`, () => {
      // What nobody wrote since can be told only by a history.
      const needsHistory = second.action === 'update' && second.expects?.since !== undefined
      for (const maxHistoryBytes of needsHistory ? [100_000] : [100_000, 0]) {
        for (const isNoticedBefore of [false, true]) {
          const world = new World<JsonObject>(START, { master: { maxHistoryBytes } })
          const [ada, bob] = [world.join('ada'), world.join('bob')]
          const applied = ada.proxy.apply(first)
          const raced = bob.proxy.apply(second)
          expect([applied.ok, raced.ok]).toEqual([true, true])
          ada.settle()
          // By live news before its own flush, or by the answer to that.
          if (isNoticedBefore)
            bob.proxy.receive(world.master.pull(bob.proxy.confirmed.from, bob.proxy.confirmed.hash))
          world.settle()
          expect(applied.outcome).toEqual({ kind: 'applied' })
          const text = JSON.stringify(world.master.snapshot().document)
          for (const { proxy } of world.peers) expect(JSON.stringify(proxy.read())).toBe(text)
          if (outcome === 'amended') {
            // Renamed by the master, or here before it was sent.
            expect(text).toBe(JSON.stringify(document).replace('master-1', raced.id))
            expect(raced.id).not.toBe('n')
          } else {
            expect(raced.outcome!.kind).toBe(outcome ?? 'applied')
            expect(text).toBe(JSON.stringify(document))
          }
          const isLost = outcome === 'dropped' || outcome === 'conflict'
          expect(bob.proxy.rejections).toHaveLength(isLost ? 1 : 0)
        }
      }
    })
  }
})

test('the page about conflicts shows these races, and how they end', async () => {
  const page = await readFile(new URL('../../../docs/conflicts.md', import.meta.url), 'utf8')
  expect(page).toContain(`\n${toTable(races)}\n`)
  expect(page).toContain(`\n${toTable(expectingRaces)}\n`)
})
