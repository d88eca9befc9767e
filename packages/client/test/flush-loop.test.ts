import { describe, expect, test } from 'vitest'
import { enter, join, serveTodos, textsOn, type Player } from './support/play.ts'

/** How many commands each flush so far carried. */
function sizes({ network }: Player): number[] {
  return network.flushes.map(({ commands }) => commands.length)
}

describe('an automatic flush', () => {
  test('goes out 50 ms after the last edit, once', async () => {
    const ada = await enter(serveTodos())
    ada.type('Milk')
    await ada.environment.advance(49)
    ada.type('Bread')
    await ada.environment.advance(49)
    expect(sizes(ada)).toEqual([])
    await ada.environment.advance(1)
    expect(sizes(ada)).toEqual([2])
    await ada.environment.advance(1_000)
    expect(sizes(ada)).toEqual([2])
  })

  test('goes out after 250 ms while typing goes on', async () => {
    const ada = await enter(serveTodos())
    for (let time = 0; time < 250; time += 40) {
      expect(sizes(ada)).toEqual([])
      ada.type(`${time}`)
      await ada.environment.advance(40)
    }
    expect(sizes(ada)).toEqual([7])
    await ada.environment.advance(1_000)
    expect(sizes(ada)).toEqual([7])
  })

  test('goes out once by timer, to ask for news', async () => {
    const ada = await enter(serveTodos(), { random: () => 0.5 })
    await ada.environment.advance(4_999)
    expect(sizes(ada)).toEqual([])
    await ada.environment.advance(1)
    expect(sizes(ada)).toEqual([0])
    await ada.environment.advance(5_000)
    expect(sizes(ada)).toEqual([0, 0])
  })

  test('goes out once when the network or the attention returns', async () => {
    const ada = await enter(serveTodos())
    await ada.environment.wake()
    expect(sizes(ada)).toEqual([0])
    ada.type('Milk')
    await ada.environment.wake()
    expect(sizes(ada)).toEqual([0, 1])
    await ada.environment.advance(1_000)
    expect(sizes(ada)).toEqual([0, 1])
  })

  test('goes out once at `flush()`, which is over when it is answered', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.type('Milk')
    await ada.model.flush()
    expect(textsOn(server)).toEqual(['Milk'])
    expect(ada.model.status).toMatchObject({ queued: 0, inFlight: 0, confirmed: 1 })
    await ada.environment.advance(1_000)
    expect(sizes(ada)).toEqual([1])
  })

  test('goes out once when the mode changes from manual', async () => {
    const ada = await enter(serveTodos(), { flush: { mode: 'manual' } })
    ada.type('Milk')
    ada.client.flushMode = 'auto'
    await ada.environment.advance(1_000)
    expect(sizes(ada)).toEqual([1])
  })

  test('is not repeated for a mode that is on already', async () => {
    const ada = await enter(serveTodos())
    ada.client.flushMode = 'auto'
    await ada.environment.settle()
    expect(sizes(ada)).toEqual([])
  })

  test('brings news to whoever begins to watch, if the last are old', async () => {
    const ada = join(serveTodos(), { random: () => 0.5 })
    await ada.model.ready
    ada.model.watch()()
    await ada.environment.advance(4_000)
    expect(sizes(ada)).toEqual([])
    const stop = ada.model.watch()
    await ada.environment.advance(999)
    expect(sizes(ada)).toEqual([])
    await ada.environment.advance(1)
    expect(sizes(ada)).toEqual([0])
    stop()
    await ada.environment.advance(20_000)
    expect(sizes(ada)).toEqual([0])
    ada.model.watch()
    await ada.environment.advance(0)
    expect(sizes(ada)).toEqual([0, 0])
  })
})

describe('manual mode', () => {
  test('sends nothing and asks for nothing by itself', async () => {
    const ada = await enter(serveTodos(), { flush: { mode: 'manual' } })
    ada.type('Milk')
    await ada.environment.advance(60_000)
    await ada.environment.wake()
    ada.client.pause()
    ada.client.resume()
    await ada.environment.advance(60_000)
    expect(sizes(ada)).toEqual([])
    expect(ada.model.status).toMatchObject({ state: 'polling', queued: 1 })
  })

  test('sends what was queued when `flush()` was called, and later edits at the next', async () => {
    const ada = await enter(serveTodos(), { flush: { mode: 'manual' } })
    const release = ada.network.hold()
    ada.type('Milk')
    const flushed = ada.model.flush()
    await ada.environment.settle()
    ada.type('Bread')
    release()
    await flushed
    expect(sizes(ada)).toEqual([1])
    expect(ada.model.status).toMatchObject({ queued: 1, confirmed: 1 })
    await ada.model.flush()
    expect(sizes(ada)).toEqual([1, 1])
  })

  test('sends at one `flush()` as many flushes as it takes', async () => {
    const server = serveTodos()
    const ada = await enter(server, { flush: { mode: 'manual' } })
    ada.model.batch(() => {
      for (let count = 0; count < 1_200; count += 1) ada.type(`${count}`)
    })
    await ada.model.flush()
    expect(sizes(ada)).toEqual([500, 500, 200])
    expect(textsOn(server)).toHaveLength(1_200)
  })

  test('does not try again by itself, and sends the same flush when told', async () => {
    const ada = await enter(serveTodos(), { flush: { mode: 'manual' } })
    ada.network.dropAnswers(1)
    ada.type('Milk')
    await ada.model.flush()
    await ada.environment.advance(60_000)
    expect(sizes(ada)).toEqual([1])
    expect(ada.model.status).toMatchObject({ state: 'offline', queued: 0, inFlight: 1 })
    await ada.model.flush()
    expect(ada.network.flushes[1]).toBe(ada.network.flushes[0])
    expect(ada.model.status).toMatchObject({ state: 'polling', inFlight: 0, confirmed: 1 })
  })

  test('ends an automatic row of flushes at the next answer', async () => {
    const ada = await enter(serveTodos())
    const release = ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50)
    ada.type('Bread')
    ada.client.flushMode = 'manual'
    release()
    await ada.environment.advance(60_000)
    expect(sizes(ada)).toEqual([1])
  })

  test('still loads, and goes on trying until that is done', async () => {
    const ada = join(serveTodos(), { flush: { mode: 'manual' } })
    ada.network.dropRequests(3)
    void ada.model.ready
    await ada.environment.advance(10_000)
    expect(ada.model.isLoaded).toBe(true)
  })

  test('ends the asking for news when it is turned on', async () => {
    const ada = await enter(serveTodos())
    ada.client.flushMode = 'manual'
    await ada.environment.advance(60_000)
    expect(sizes(ada)).toEqual([])
  })
})

describe('one flush is in flight', () => {
  test('and edits meanwhile go in the next, at once', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    const release = ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50)
    ada.type('Bread')
    ada.type('Salt')
    await ada.environment.advance(1_000)
    await ada.environment.wake()
    void ada.model.flush()
    await ada.environment.settle()
    expect(sizes(ada)).toEqual([1])
    expect(ada.model.status).toMatchObject({ queued: 2, inFlight: 1 })
    release()
    await ada.environment.settle()
    expect(sizes(ada)).toEqual([1, 2])
    expect(textsOn(server)).toEqual(['Milk', 'Bread', 'Salt'])
  })

  test('and two calls of `flush()` send nothing twice', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.type('Milk')
    await Promise.all([ada.model.flush(), ada.model.flush(), ada.client.flush()])
    expect(sizes(ada)).toEqual([1])
    expect(textsOn(server)).toEqual(['Milk'])
  })

  test('and `flush()` during it waits for what was queued since', async () => {
    const server = serveTodos()
    const ada = await enter(server, { flush: { mode: 'manual' } })
    const release = ada.network.hold()
    ada.type('Milk')
    void ada.model.flush()
    await ada.environment.settle()
    ada.type('Bread')
    const flushed = ada.model.flush()
    release()
    await flushed
    expect(textsOn(server)).toEqual(['Milk', 'Bread'])
  })

  test('and a listener that asks for another on the way is no harm', async () => {
    const server = serveTodos()
    const ada = await enter(server)
    ada.model.subscribeStatus(() => {
      if (ada.model.status.inFlight > 0) void ada.model.flush()
    })
    ada.type('Milk')
    await ada.environment.advance(1_000)
    expect(textsOn(server)).toEqual(['Milk'])
    expect(sizes(ada)).toEqual([1])
  })

  test('and two models do not wait for each other', async () => {
    const ada = await enter(serveTodos())
    const release = ada.network.hold()
    ada.type('Milk')
    await ada.environment.advance(50)
    const other = ada.client.model('todos:other')
    void other.ready
    await ada.environment.settle()
    expect(ada.network.open).toBe(1)
    expect(other.status.state).toBe('refused')
    release()
  })
})

describe('a page that nobody looks at', () => {
  test('does not ask for news, has no timer, and catches up when it is seen', async () => {
    const ada = await enter(serveTodos())
    ada.environment.hide()
    await ada.environment.advance(600_000)
    expect(sizes(ada)).toEqual([])
    expect(ada.environment.timers).toBe(0)
    await ada.environment.wake()
    expect(sizes(ada)).toEqual([0])
    await ada.environment.advance(6_000)
    expect(sizes(ada)).toEqual([0, 0])
  })

  test('sends what is queued', async () => {
    const ada = await enter(serveTodos())
    ada.environment.hide()
    ada.type('Milk')
    await ada.environment.advance(50)
    expect(sizes(ada)).toEqual([1])
  })
})

test.each([-1, 1])(
  'a clock that is %s year off neither stops news nor floods the server',
  async (years) => {
    const ada = join(serveTodos())
    await ada.model.ready
    const { now } = ada.environment
    Object.assign(ada.environment, { now: () => now() + years * 365 * 24 * 3_600_000 })
    ada.model.watch()
    await ada.environment.advance(60_000)
    expect(ada.network.flushes.length).toBeGreaterThan(9)
    expect(ada.network.flushes.length).toBeLessThan(15)
    ada.type('Milk')
    await ada.environment.advance(300)
    expect(ada.model.status).toMatchObject({ queued: 0, inFlight: 0 })
  },
)
