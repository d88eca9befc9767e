/** How many models there are. */
export const MODELS = 1_000

/** To which of the models writers write: the first alone, all alike, or some far more than others. */
export type Spread = 'one' | 'even' | 'zipf'

/** Of Zipf's law: the second is written to about half as often as the first, and so on. */
export const ZIPF_EXPONENT = 1.01

/** Names the model of one flush after the other. */
export function modelPicker(spread: Spread): () => number {
  if (spread === 'one') return () => 0
  if (spread === 'even') return () => Math.floor(Math.random() * MODELS)
  const weights = Array.from({ length: MODELS }, (_, model) => (model + 1) ** -ZIPF_EXPONENT)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  const ends = weights.map((weight) => (sum += weight / total))
  return () => {
    const at = Math.random()
    return Math.max(
      ends.findIndex((end) => at < end),
      0,
    )
  }
}
