/** What is in memory. */
export interface Usage {
  /** Models, and about how many characters they take. */
  readonly models: number
  readonly bytes: number
  /** Live connections, the models that they follow, and who is shown to be there. */
  readonly streams: number
  readonly channels: number
  readonly peers: number
}
