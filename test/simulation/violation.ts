/**
 * What has to hold in every run, whatever goes wrong. The words are what a
 * failure says first.
 */
export const INVARIANTS = {
  'at once': 'an edit shows in the document before its call returns',
  counted: 'queued and in flight are the edits that nobody has answered',
  frozen: 'a flush that was sent is sent again with the same commands only',
  'in order': 'edits of a person are sent and applied in the order in which they were given',
  built: 'an edit takes effect after the unsent one of another tab that it was given on',
  'not lost': 'what was told to be applied is in the history',
  'not doubled': 'no edit is in the history twice',
  'not secret': 'what was told to be refused or dropped is not in the history',
  kept: 'an edit that was stored on a device takes effect, or is told to whoever opens it again, whatever dies',
  shown: 'a page that opens shows the edits that its device holds',
  told: 'at rest every edit is answered',
  'no phantom': 'a server vouches only for what the database has committed',
  'one answer': 'the same flush always gets the same verdicts',
  'no false alarm': 'nobody is refused for a history or a sequence that is in order',
  'never back': 'a confirmed count goes back only after the database was put back',
  'setback told': 'who held what the database has lost is told that its past is another',
  'same count, same document': 'equal count and hash mean equal documents, key order included',
  gapless: 'the log is contiguous and ends at the head',
  chained: 'every hash of the log follows from the one before it',
  numbered:
    'a flush of a client is in the log at most once, and the client row is as far as the log',
  replayable: 'checkpoint and tail, and the whole history, give the document that is served',
  converged:
    'when the faults are over, everybody holds what the server holds, within a minute, or 100 s where only a long poll tells',
  observed: 'who listens has seen the last state',
  'on target': 'an edit reaches the node that its author saw, whatever it is called now',
  expected: 'an update overwrites nothing that is not as its author expects it',
  whole:
    'an atomic group is in one entry of the history or nowhere, and all of it is told the same',
  serial: 'some order, one after the other, explains what groups had read, and what there is',
  named: 'what somebody called their edits is what the history calls them',
  private: 'nobody else sees anything of a draft that was not published',
  'taken back':
    'an undo shows what was there before, and a redo what was there after, where nothing else is said',
  erased: 'what was erased is nowhere in the database, and in no version that a server gives',
  remembered: 'an old version is what the history comes to up to there',
  ruled: 'nothing that a rule refuses is in the history',
  permitted: 'nothing is written or read without permission',
  'stopped in time':
    'who may not read any more hears nothing from then on: at once from a server that was told',
  prompt: 'at rest whoever has a stream hears of an edit at once',
  joined: 'what a stream says of a model begins where it ended before',
  followed: 'the events that somebody hears of items are those that happened, each once',
  present:
    'when the faults are over, everybody sees who is there, what they do, and nobody else, within 100 s',
  bounded: 'memory that servers count returns to what they may keep, and to zero at the end',
  quiet: 'nothing is thrown that nobody catches, and nothing goes on after the end',
  clean: 'no prototype is changed',
} as const

export type Invariant = keyof typeof INVARIANTS

/** An invariant that does not hold. */
export class Violation extends Error {
  readonly invariant: Invariant

  constructor(
    invariant: Invariant,
    what: string,
    values: { expected?: unknown; found?: unknown } = {},
  ) {
    const lines = Object.entries(values).map(([name, value]) => `\n  ${name}: ${show(value)}`)
    super(`${invariant}: ${INVARIANTS[invariant]}\n  ${what}${lines.join('')}`)
    this.invariant = invariant
  }
}

export function show(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
}
