import { FlushoutError, type Flush } from '@flushout/core'
import { World, type Peer } from '@flushout/core/testing'
import { expect, test } from 'vitest'

/** Exchange with a server that takes no flush of which `isRefused`. */
function settle(peer: Peer, isRefused: (flush: Flush) => boolean): void {
  for (let flush = peer.proxy.beginFlush(); flush; flush = peer.proxy.beginFlush()) {
    if (isRefused(flush)) peer.proxy.failFlush(new FlushoutError('FLUSH_TOO_LARGE', 'Too large.'))
    else peer.proxy.endFlush(peer.send(flush))
  }
}

test('a flush that is too large for the server is sent in parts, in order', () => {
  const world = new World({})
  const ada = world.join('ada')
  for (const id of ['a', 'b', 'c', 'd', 'e']) ada.proxy.create([], {}, { id })
  settle(ada, ({ commands }) => commands.length > 2)
  expect(Object.keys(world.master.snapshot().document)).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(ada.proxy.rejections).toEqual([])
})

test('one command that is too large alone is told as rejected, and the others go on', () => {
  const world = new World({})
  const ada = world.join('ada')
  const receipts = ['a', 'b', 'c', 'd', 'e'].map((id) => ada.proxy.create([], {}, { id }))
  settle(ada, ({ commands }) => commands.some((command) => 'id' in command && command.id === 'c'))
  expect(receipts[2]!.outcome).toMatchObject({
    kind: 'rejected',
    rejection: { code: 'FLUSH_TOO_LARGE' },
  })
  expect(Object.keys(world.master.snapshot().document)).toEqual(['a', 'b', 'd', 'e'])
  expect(ada.proxy.read()).toEqual(world.master.snapshot().document)
})
