/** Everything outside the program that a client depends on, so that tests can play it. */
export interface Environment {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** From 0 up to 1, to spread retries. */
  readonly random: () => number
  /** Fill the bytes with random ones, for ids: unpredictable, never repeated. */
  readonly fillRandom: (bytes: Uint8Array) => void
  /** Call back once after `delayMs`; the returned function takes it back. */
  readonly setTimer: (callback: () => void, delayMs: number) => () => void
  /**
   * Call back whenever an exchange is more likely to work, or to matter, than a
   * moment ago: the network returned, the page is looked at again.
   */
  readonly onWake: (callback: () => void) => () => void
  /** Tell whether nobody can see the page, so that asking for news can wait. */
  readonly isHidden: () => boolean
  /**
   * Whether this is no browser: a model that was never watched, changed or waited for then stays
   * until `close`, so that a server which renders pages sets no timer.
   */
  readonly isServer?: boolean
  /** Let the browser ask before the page is left, until the returned function is called. */
  readonly warnOnLeave: () => () => void
}

/** The real thing, in a browser, a worker or Node. */
export const defaultEnvironment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  fillRandom: (bytes) => void crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
  onWake(callback) {
    if (typeof window === 'undefined') return () => {}
    const onVisible = () => {
      if (!document.hidden) callback()
    }
    window.addEventListener('online', callback)
    document.addEventListener('visibilitychange', onVisible)
    return () => {
      window.removeEventListener('online', callback)
      document.removeEventListener('visibilitychange', onVisible)
    }
  },
  // Workers have one, too.
  isServer: typeof location === 'undefined',
  isHidden: () => typeof document !== 'undefined' && document.hidden,
  warnOnLeave() {
    if (typeof window === 'undefined') return () => {}
    const warn = (event: BeforeUnloadEvent) => {
      event.preventDefault()
      // For Chrome before 119.
      event.returnValue = true
    }
    window.addEventListener('beforeunload', warn)
    return () => window.removeEventListener('beforeunload', warn)
  },
}
