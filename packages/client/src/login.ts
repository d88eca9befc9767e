// The token of whoever is logged in, one for all requests of a client:
//
//              asked           sent, refused
//   unknown ──────────► kept ────────────────► asked for another, sent again
//      ▲                 ▲                              │
//      │ login, logout   │ another                      │ none, or refused as well
//      └─────────────────┴───────── missing ◄───────────┘
//
// While it is missing, it is asked for now and then, and by each request that there
// is a reason for. Those that were refused are told when there is another.
import { FlushoutError, isFlushoutError } from '@flushout/core'
import type { Environment } from './environment.ts'
import { notify } from './notify.ts'

type Token = string | undefined

/** How a client knows who is logged in. */
export interface Auth {
  /**
   * The token of whoever is logged in, sent as `authorization: Bearer`; undefined
   * where nobody is, and then nothing is sent. It is kept until the server refuses
   * it: `isRefused` says that another is wanted. Throwing counts as "cannot tell
   * now", and is tried again. Leave it out where cookies tell who it is.
   */
  readonly token?: (asked: { readonly isRefused: boolean }) => Token | Promise<Token>
  /**
   * Call `listener` after each login and logout, until the returned function is
   * called. Without it a login is noticed when the page is looked at again, and
   * where there is `token`, within half a minute.
   */
  readonly subscribe?: (listener: () => void) => () => void
}

/** While it is missing. */
const LOOK_MS = 30_000
/** Less than between two looks. */
const PACE_MS = 20_000
/** Who has not told it by then is asked anew. */
const PATIENCE_MS = 15_000

/** Knows the token, and hears of logins. */
export class Login {
  readonly #auth: Auth
  readonly #environment: Environment
  readonly #listeners = new Set<() => void>()
  #stop: (() => void) | undefined
  // Undefined while it has to be asked for.
  #kept: Token
  #asking: Promise<Token> | undefined
  // Logins and logouts so far.
  #changes = 0
  // The last that the server did not take; not `isOld` if it is somebody else's.
  #refused: { readonly token: Token; readonly isOld: boolean } | undefined
  // Whether somebody was refused, and waits for another token.
  #isAwaited = false
  #clearLook: (() => void) | undefined
  // When they were told last that there is one.
  #toldAt = -Infinity

  constructor(auth: Auth, environment: Environment) {
    this.#auth = auth
    this.#environment = environment
  }

  /** See `Transport.onLogin`. */
  onLogin = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#stop ??= this.#auth.subscribe?.(() => this.#changed())
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stop?.()
      this.#stop = undefined
      this.#unschedule()
    }
  }

  /** Send something with the token, and once more if the server wants another and there is one. */
  async run<T>(send: (token: Token) => Promise<T>, isLast = false): Promise<T> {
    const token = await this.#find()
    if (token === undefined && this.#auth.token) {
      this.#lookLater()
      throw new FlushoutError('UNAUTHENTICATED', 'Nobody is logged in.')
    }
    try {
      const answer = await send(token)
      // One that was refused before is taken after all.
      if (token === this.#refused?.token) {
        this.#refused = undefined
        this.#kept ??= token
      }
      return answer
    } catch (error) {
      if (token === undefined || !isLoginNeeded(error)) throw error
      this.#drop(token, error)
      const other = isLast ? token : await this.#find()
      if (other !== undefined && other !== token) return this.run(send, true)
      this.#lookLater()
      throw error
    }
  }

  /** What was begun with `token` has ended for want of a login: say when there is another. */
  async lost(token: Token, error: { readonly code: string }): Promise<void> {
    if (token === undefined) return
    this.#drop(token, error)
    await this.#look()
  }

  async #find(): Promise<Token> {
    const { token } = this.#auth
    if (!token || this.#kept !== undefined) return this.#kept
    // Once for all who need it.
    return (this.#asking ??= this.#ask(token))
  }

  async #ask(tell: NonNullable<Auth['token']>): Promise<Token> {
    const changes = this.#changes
    const isRefused = this.#refused?.isOld === true
    let token: Token
    try {
      token = await new Promise<Token>((resolve, reject) => {
        const late = () => reject(new Error('The token did not come in time.'))
        const clear = this.#environment.setTimer(late, PATIENCE_MS)
        Promise.resolve({ isRefused }).then(tell).finally(clear).then(resolve, reject)
      })
    } finally {
      if (changes === this.#changes) this.#asking = undefined
    }
    // It may be of whoever was logged in before.
    if (changes !== this.#changes) return this.#find()
    if (token !== this.#refused?.token) {
      this.#kept = token
      this.#offer()
    }
    return token
  }

  #drop(token: Token, { code }: { readonly code: string }): void {
    // There is another one already.
    if (this.#kept !== undefined && this.#kept !== token) return
    this.#kept = undefined
    this.#refused = { token, isOld: code === 'UNAUTHENTICATED' }
  }

  #lookLater(): void {
    this.#isAwaited = true
    if (!this.#auth.token || this.#listeners.size === 0) return
    const delayMs = LOOK_MS * (0.9 + 0.2 * this.#environment.random())
    this.#clearLook ??= this.#environment.setTimer(() => void this.#look(), delayMs)
  }

  async #look(): Promise<void> {
    this.#isAwaited = true
    this.#unschedule()
    await this.#find().catch(() => {})
    if (this.#kept === undefined) this.#lookLater()
    // Whoever asked for it may have done so already.
    else this.#offer()
  }

  /** There may be another token: let those try it who wait. Not too often, should none ever be taken. */
  #offer(): void {
    if (this.#kept === undefined || !this.#isAwaited) return
    const now = this.#environment.now()
    if (Math.abs(now - this.#toldAt) < PACE_MS) return this.#lookLater()
    this.#toldAt = now
    this.#tell()
  }

  /** Somebody has logged in or out: nothing from before counts. */
  #changed(): void {
    this.#changes += 1
    this.#kept = undefined
    this.#asking = undefined
    this.#refused = undefined
    this.#tell()
  }

  #tell(): void {
    this.#isAwaited = false
    this.#unschedule()
    for (const listener of this.#listeners) notify(listener)
  }

  #unschedule(): void {
    this.#clearLook?.()
    this.#clearLook = undefined
  }
}

function isLoginNeeded(error: unknown): error is FlushoutError {
  return isFlushoutError(error) && error.retry === 'after-auth'
}
