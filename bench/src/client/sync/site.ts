/** One copy of a list of todos, with changes of its own that nobody has heard of yet. */
export interface Site {
  readonly name: string
  /** Have somebody else give a todo this text. Gives what takes the message in, as it comes from the network. */
  readonly news: (id: string, text: string) => () => void
  /** The text of a todo, as it is here. */
  readonly read: (id: string) => unknown
}

/** What a site is about to send. */
export function textOf(n: number): string {
  return `Written here, number ${n}`
}
