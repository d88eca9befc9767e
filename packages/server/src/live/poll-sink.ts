import { FlushoutError, type LiveEvent } from '@flushout/core'
import type { Environment } from '../environment.ts'
import type { Sink } from './stream.ts'

/** What else happens within this time comes with the same answer. */
const GATHER_MS = 20
/** Who is told nothing for so long is answered all the same. */
const WAIT_MS = 25_000
const MAX_BYTES = 256 * 1024

/** Gathers the first news there are, and hands them over once; or says why there are none. */
export function createPollSink(
  { setTimer }: Pick<Environment, 'setTimer'>,
  waitMs: number | undefined,
  answer: (events: readonly LiveEvent[]) => void,
  refuse: (error: FlushoutError) => void,
): Sink {
  const events: LiveEvent[] = []
  let bytes = 0
  let isOver = false
  const finish = () => {
    if (isOver) return
    isOver = true
    stopWaiting()
    stopGathering()
    answer(withoutOutdated(events))
  }
  const stopWaiting = setTimer(finish, waitMs ?? WAIT_MS)
  let stopGathering = () => {}
  let isGathering = false
  return {
    write({ event, isNews, json }) {
      if (isOver) return false
      events.push(event)
      bytes += json.length
      if (isNews && !isGathering) {
        isGathering = true
        stopGathering = setTimer(finish, GATHER_MS)
      }
      return bytes < MAX_BYTES
    },
    end() {
      // Nothing can be told now. Who got an empty answer would ask at once.
      if (!isOver && !isGathering) {
        const message = 'What is new cannot be told now.'
        refuse(new FlushoutError('UNAVAILABLE', message, { retryAfterMs: 1000 }))
      }
      finish()
    },
  }
}

/**
 * Leave out how far a model was before it moved. Whoever moved it knows more by
 * now, from the answer to their flush, and would have to ask about the past.
 */
function withoutOutdated(events: readonly LiveEvent[]): LiveEvent[] {
  const moved = new Set<string>()
  const kept: LiveEvent[] = []
  for (const event of events.toReversed()) {
    if (event.event === 'updates') moved.add(event.key)
    if (event.event !== 'heads') kept.push(event)
    else {
      const heads = Object.entries(event.heads).filter(([key]) => !moved.has(key))
      if (heads.length > 0) kept.push({ event: 'heads', heads: Object.fromEntries(heads) })
    }
  }
  return kept.reverse()
}
