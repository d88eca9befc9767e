import type { Mutant } from './mutant.ts'

const CLIENT = 'client/src/'
const LIVE = 'server/src/live/'

/** Mistakes in what brings people news by itself. */
export const liveMutants: readonly Mutant[] = [
  {
    name: 'a frame goes to a reader that is not at its start',
    file: `${LIVE}channel.ts`,
    find: `    if (reader.at.commandCount !== from) return false
`,
    replace: '',
    from: 2_867,
  },
  {
    name: 'what was stored here is not told',
    file: `${LIVE}hub.ts`,
    find: 'if (!channel.advance(base, entries, { commandCount, hash })) void this.#look(channel)',
    replace: 'void base',
  },
  {
    name: 'the other servers are not told of a commit',
    file: `${LIVE}hub.ts`,
    find: 'if (isOwn && entries.length > 0) {',
    replace: 'if (isOwn && entries.length < 0) {',
  },
  {
    name: 'a late hint is told like any other',
    file: `${LIVE}hub.ts`,
    find: `if (head && (notice.commandCount < head.commandCount || isSame(head, notice))) return
      void this.#look(channel)`,
    replace: 'channel.jump(notice)',
    from: 340,
  },
  {
    name: 'no poll stands behind the hints',
    file: `${LIVE}hub.ts`,
    find: 'if (now - this.#polledAt >= this.#options.pollMs) void this.#poll(now)',
    replace: '',
  },
  {
    name: 'who cannot be led on is told nothing',
    file: `${LIVE}channel.ts`,
    find: `        listener.write(view.lost(this.key, this.head))
`,
    replace: '',
  },
  {
    name: 'history that is not known any more is taken for none',
    file: `${LIVE}hub.ts`,
    find: 'if (!entries || !channel.advance(at, entries, now)) channel.jump(now)',
    replace: `if (entries && !channel.advance(at, entries, now)) channel.jump(now)
      else if (!entries) channel.head = now`,
  },
  {
    name: 'who takes something again is not led on',
    file: `${LIVE}stream.ts`,
    find: `      member.channel.lead(member.reader)
`,
    replace: '',
    from: 760,
  },
  {
    name: 'a heartbeat names no models',
    file: `${LIVE}stream.ts`,
    find: `      heads.push([channel.key, { commandCount, hash }])
`,
    replace: '',
    from: 700,
  },
  {
    name: 'who may read is not asked again',
    file: `${LIVE}hub.ts`,
    find: `    stream.heartbeat()
    void stream.check()`,
    replace: '    stream.heartbeat()',
    from: 170,
  },
  {
    name: 'who may read is not asked again when the application says so',
    file: `${LIVE}hub.ts`,
    find: `      void stream.permissionsChanged().catch((error: unknown) => this.#fail(error))
`,
    replace: '',
  },
  {
    name: 'anybody may begin to follow',
    file: `${LIVE}stream.ts`,
    find: `    if (refusal) return this.#reject(key, refusal)
    if (this.#identify &&`,
    replace: '    if (this.#identify &&',
  },
  {
    name: 'a closed connection is kept',
    file: `${LIVE}hub.ts`,
    find: `    this.#streams.delete(stream)
    this.presence`,
    replace: '    this.presence',
  },
  {
    name: 'a model that nobody follows is kept',
    file: `${LIVE}hub.ts`,
    find: `    this.#channels.delete(channel.key)
`,
    replace: '',
  },
  {
    name: 'a server that nobody is connected to listens on',
    file: `${LIVE}hub.ts`,
    find: `    this.#stopListening?.()
    this.#stopListening = undefined
`,
    replace: '',
  },
  {
    name: 'who waits for news gets them with the next heartbeat',
    file: `${LIVE}poll-sink.ts`,
    find: 'if (isNews && !isGathering) {',
    replace: 'if (isNews && isGathering) {',
  },
  {
    name: 'who left is still shown',
    file: `${LIVE}presence.ts`,
    find: 'if (server === this.#server) return leavesAt !== undefined && now >= leavesAt',
    replace: 'if (server === this.#server) return false',
  },
  {
    name: 'silence is not noticed',
    file: `${CLIENT}live-stream.ts`,
    find: 'if (leftMs <= 0) return this.#end(',
    replace: 'if (leftMs <= 0) return void (',
  },
  {
    name: 'a stream that ended is not opened again',
    file: `${CLIENT}live-connection.ts`,
    find: `      this.#schedule((random) => pauseAfter(error, this.#failures, random))
`,
    replace: '',
  },
  {
    name: 'what is said of how far a model is goes unheard',
    file: `${CLIENT}model.ts`,
    find: `this.#loop.ask()
  }

  #refuse`,
    replace: `void 0
  }

  #refuse`,
  },
  {
    name: 'what happened to items is told as often as it comes',
    file: `${CLIENT}feeds.ts`,
    find: `  if (known?.from === commandCount && known.hash === hash) return
  const isReset = events.some(({ kind }) => kind === 'reset')
  // A repeat; only a reset may lead back, to another past.
  if (known && commandCount <= known.from && !isReset) return
  followed.positions ??= new Map()
  followed.positions.set(key, { from: commandCount, hash })
  // Something is missing in between, so what it did is not known either.
  const isJoined = !known || (from === known.from && base === known.hash)
`,
    replace: `  const isReset = events.some(({ kind }) => kind === 'reset')
  followed.positions ??= new Map()
  followed.positions.set(key, { from: commandCount, hash })
  // Something is missing in between, so what it did is not known either.
  const isJoined = !known || from <= known.from
`,
    from: 290,
  },
]
