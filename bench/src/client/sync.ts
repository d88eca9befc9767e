// What it costs to bring a page and its master together: flushes, changes of others, the
// queue that waits meanwhile, and what goes over the network.
import type { Section } from '../harness/section.ts'
import { measureCycle } from './sync/cycle.ts'
import { measureFlush } from './sync/flush.ts'
import { measureForeign, measureQueue } from './sync/foreign.ts'
import { measureRebase } from './sync/rebase.ts'
import { measureWire } from './sync/wire.ts'

export async function run(): Promise<Section[]> {
  return [
    measureFlush(),
    measureCycle(),
    measureQueue(),
    measureRebase(),
    measureForeign(),
    await measureWire(),
  ]
}
