/** Call a listener so that its faults are its own, and end neither an exchange nor the round. */
export function notify<A extends readonly unknown[]>(
  listener: (...args: A) => void,
  ...args: A
): void {
  try {
    listener(...args)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
