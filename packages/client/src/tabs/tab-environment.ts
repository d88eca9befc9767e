/** What the tabs of one browser find each other by, so that tests can play it. */
export interface TabEnvironment {
  /**
   * Wait until nobody else holds `name`, then hold it and call `onHeld`, until the
   * returned function is called or the page ends, however it ends.
   */
  readonly hold: (name: string, onHeld: () => void) => () => void
  /** Tell whether somebody holds `name`. */
  readonly isHeld: (name: string) => Promise<boolean>
  /** Join the line `name`: hear what all others on it say from now on. */
  readonly join: (name: string, hear: (message: unknown) => void) => TabLine
  /**
   * Let the tab remember `value` under `name` when it shows another page, and give what it
   * remembered so far. A tab that is duplicated begins with what the other remembers.
   */
  readonly remember: (name: string, value: string) => string | undefined
}

/** One end of a line between tabs. What is said arrives whole and in order, or not at all. */
export interface TabLine {
  /** Nothing happens after `leave`. */
  readonly say: (message: unknown) => void
  readonly leave: () => void
}

/** Web Locks and BroadcastChannel; undefined where a page has none, as over plain HTTP. */
export function browserTabs(): TabEnvironment | undefined {
  // Outside of browsers both may exist, and would keep the process from ending.
  if (typeof location === 'undefined' || typeof BroadcastChannel === 'undefined') return undefined
  // Only secure pages have it, whatever the types say.
  const locks = navigator.locks as LockManager | undefined
  return locks && createTabEnvironment(locks)
}

export function createTabEnvironment(locks: LockManager): TabEnvironment {
  return {
    hold(name, onHeld) {
      const abort = new AbortController()
      let release = () => {}
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      locks
        .request(name, { signal: abort.signal }, () => {
          if (!abort.signal.aborted) onHeld()
          return held
        })
        // A page without an origin of its own may lock nothing: it is alone.
        .catch(() => {
          if (!abort.signal.aborted) onHeld()
        })
      return () => {
        abort.abort()
        release()
      }
    },
    async isHeld(name) {
      const { held = [] } = await locks.query()
      return held.some((lock) => lock.name === name)
    },
    remember(name, value) {
      try {
        const last = sessionStorage.getItem(name)
        sessionStorage.setItem(name, value)
        return last ?? undefined
      } catch {
        // Where a page may keep nothing, each is the first of its tab.
        return undefined
      }
    },
    join(name, hear) {
      const channel = new BroadcastChannel(name)
      let hasLeft = false
      channel.addEventListener('message', ({ data }) => hear(data))
      return {
        say(message) {
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not of a window
          if (!hasLeft) channel.postMessage(message)
        },
        leave() {
          hasLeft = true
          channel.close()
        },
      }
    },
  }
}
