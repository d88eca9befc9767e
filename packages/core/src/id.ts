// Crockford's base 32 in lower case: no letters that look like digits, and
// plain string order is number order.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TIME_LENGTH = 10
const RANDOM_LENGTH = 16
const TIMED = /^[0-9a-hjkmnp-tv-z]{26}$/

/** What ids are made of: passed in, so that core runs anywhere and tests repeat. */
export interface IdSource {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Fill the bytes with random ones; `crypto.getRandomValues` in a browser. */
  readonly fillRandom: (bytes: Uint8Array) => void
}

/**
 * Make a function that gives a new id at each call: 26 characters, 48 bits of
 * time and 80 of randomness, after the layout of ULID. Ids of one source ascend
 * even within a millisecond and when the clock is put back, so keys in order of
 * creation are keys in order of their names. Never looks like an array index.
 */
export function createIdFactory({ now, fillRandom }: IdSource): () => string {
  // One value from 0 to 31 a character.
  const digits = new Uint8Array(RANDOM_LENGTH)
  let time = -1
  let prefix = ''

  const restart = (at: number) => {
    time = at
    prefix = encodeTime(at)
    fillRandom(digits)
    for (let index = 0; index < RANDOM_LENGTH; index += 1) digits[index]! &= 31
  }

  return () => {
    const at = Math.max(0, Math.floor(now()))
    if (at > time) restart(at)
    else if (!increment(digits)) restart(time + 1)
    let id = prefix
    for (let index = 0; index < RANDOM_LENGTH; index += 1) id += ALPHABET[digits[index]!]!
    return id
  }
}

/** The first of all ids that are made at a time, in their order; and later than all from before. */
export function firstIdAt(time: number): string {
  return encodeTime(Math.max(0, Math.floor(time))) + ALPHABET[0]!.repeat(RANDOM_LENGTH)
}

/** Tell whether `id` has the form of those that are made here, and so says when it was made. */
export function isTimedId(id: string): boolean {
  return TIMED.test(id)
}

function encodeTime(time: number): string {
  let text = ''
  let rest = time
  for (let index = 0; index < TIME_LENGTH; index += 1) {
    text = ALPHABET[rest % 32]! + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** Add one; false when every digit ran over. */
function increment(digits: Uint8Array): boolean {
  for (let index = digits.length - 1; index >= 0; index -= 1) {
    if (digits[index] !== 31) {
      digits[index]! += 1
      return true
    }
    digits[index] = 0
  }
  return false
}
