import { directTransport, type Transport } from '@flushout/client'
import type { TestServer } from '@flushout/client/testing'
import { FlushoutError } from '@flushout/core'
import { describe, expect, test } from 'vitest'
import { add, enter, listen, serveLive } from './support/play.ts'

/** Something before the server that answers streams itself, and maybe polls as well. */
function createWall(server: TestServer, { polls = true, retryAfterMs = 0, isBuilt = true } = {}) {
  const asked: string[] = []
  const cut = new AbortController()
  const { live, ...far } = directTransport(server)
  const refuse = async () => {
    const options = retryAfterMs > 0 ? { retryAfterMs } : {}
    throw new FlushoutError('UNAVAILABLE', 'The server answered 502.', options)
  }
  const transport: Transport = {
    ...far,
    live: {
      announce: live!.announce,
      async stream(request, hear, signal) {
        asked.push('stream')
        if (isBuilt) return refuse()
        return live!.stream(request, hear, AbortSignal.any([signal, cut.signal]))
      },
      async poll(request, signal) {
        asked.push('poll')
        return polls ? live!.poll(request, signal) : refuse()
      },
    },
  }
  /** Cut what is open, and refuse what comes. */
  const build = () => {
    isBuilt = true
    cut.abort()
  }
  return { transport, asked, build }
}

describe('a stream that something refuses', () => {
  test('three times is got round by polls', async () => {
    const server = serveLive()
    const { transport, asked } = createWall(server)
    const ada = await enter(server, { transport })
    await ada.environment.advance(1_000)
    expect(asked).toEqual(['stream', 'stream', 'stream', 'poll'])
    await add(server, 'Milk')
    await ada.environment.settle()
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.model.status.state).toBe('polling')
    await ada.environment.advance(30_000)
    expect(asked.filter((kind) => kind === 'stream')).toHaveLength(3)
  })

  test('as it refuses polls is tried after the pauses of any other', async () => {
    const server = serveLive()
    const { transport, asked } = createWall(server, { polls: false })
    const ada = await enter(server, { transport, random: () => 1 })
    await ada.environment.advance(25_000)
    const turn = ['stream', 'stream', 'stream', 'poll']
    expect(asked).toEqual([...turn, ...turn])
  })

  test('when it was open before is told to be gone before polls are tried', async () => {
    const server = serveLive()
    const { transport, asked, build } = createWall(server, { isBuilt: false })
    const ada = await listen(server, { transport, random: () => 0.1 })
    expect(ada.model.status.state).toBe('live')
    build()
    await ada.environment.advance(990)
    expect(ada.model.status.state).toBe('live')
    expect(asked).not.toContain('poll')
    await ada.environment.advance(10)
    expect(ada.model.status.state).toBe('offline')
    await ada.environment.advance(3_000)
    expect(asked.at(-1)).toBe('poll')
  })

  test('and says when to come again is not got round', async () => {
    const server = serveLive()
    const { transport, asked } = createWall(server, { retryAfterMs: 1_000 })
    const ada = await enter(server, { transport })
    await ada.environment.advance(60_000)
    expect(asked).not.toContain('poll')
  })
})

describe('after an outage', () => {
  test('that looked as if streams were kept back, one is open again soon', async () => {
    const server = serveLive()
    const ada = await listen(server, { random: () => 0.9 })
    ada.network.mute()
    ada.network.blockStreams()
    await ada.environment.advance(30_000 + 300 + 3_000)
    expect(ada.network.lives.map(({ kind }) => kind)).toEqual(['stream', 'stream', 'poll'])
    ada.network.heal()
    await add(server, 'Milk')
    await ada.environment.settle()
    expect(ada.texts()).toEqual(['Milk'])
    expect(ada.model.status.state).toBe('polling')
    await ada.environment.advance(2_000)
    expect(ada.model.status.state).toBe('live')
  })

  test('streams that are kept back from then on are left alone for a minute', async () => {
    const server = serveLive()
    const ada = await listen(server, { random: () => 0.9 })
    ada.network.cut()
    ada.network.blockStreams()
    await ada.environment.advance(300 + 3_000)
    await add(server, 'Milk')
    await ada.environment.advance(2_000 + 3_000)
    const asked = ada.network.lives.filter(({ kind }) => kind === 'stream').length
    await add(server, 'Bread', 'eve')
    await ada.environment.advance(20_000)
    expect(ada.network.lives.filter(({ kind }) => kind === 'stream')).toHaveLength(asked)
    expect(ada.model.status.state).toBe('polling')
  })
})
