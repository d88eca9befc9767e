/** Gives whole numbers from 0 up to, not including, `limit`. */
export type Random = (limit: number) => number

/** A row of numbers that is the same for the same seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return (limit) => {
    // The finisher of MurmurHash3 over a counter.
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return Math.floor((((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32) * limit)
  }
}

/** Put `items` into another order. */
export function shuffle<Item>(items: readonly Item[], random: Random): Item[] {
  const rest = [...items]
  return items.map(() => rest.splice(random(rest.length), 1)[0]!)
}
