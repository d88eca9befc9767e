const POOL_BYTES = 4096

/**
 * Make a function that fills bytes with random ones, unpredictable and never given twice, at most 4096
 * at a time. They are fetched many at once: for one id alone that takes as long as to parse its
 * flush.
 */
export function createRandomPool(): (bytes: Uint8Array) => void {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  return (bytes) => {
    if (bytes.length > POOL_BYTES) throw new RangeError(`${bytes.length} bytes are too many.`)
    if (used + bytes.length > POOL_BYTES) {
      crypto.getRandomValues(pool)
      used = 0
    }
    bytes.set(pool.subarray(used, used + bytes.length))
    // What was given out is not kept.
    pool.fill(0, used, used + bytes.length)
    used += bytes.length
  }
}
