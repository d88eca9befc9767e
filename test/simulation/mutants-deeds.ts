import type { Mutant } from './mutant.ts'

const CORE = 'core/src/'
const CLIENT = 'client/src/'
const SERVER = 'server/src/'

/** Mistakes in what people give with conditions, as one, by a name or to take back, and in what is erased. */
export const deedMutants: readonly Mutant[] = [
  {
    name: 'what an update expects of props is not looked at',
    file: `${CORE}expects.ts`,
    find: '!isSameJson(read(key), props[key])',
    replace: 'false',
  },
  {
    name: 'what others wrote since is not looked at',
    file: `${CORE}expects.ts`,
    find: 'return since !== undefined && hasWritten(path, since) ? refuse(path) : undefined',
    replace: 'return undefined',
  },
  {
    name: 'what an update expects not to be there is not looked at',
    file: `${CORE}expects.ts`,
    find: 'unset.find((key) => read(key) !== undefined)',
    replace: 'unset.find((key) => read(key) === null)',
  },
  {
    name: 'what a group did before it failed stays',
    file: `${CORE}apply-flush.ts`,
    find: 'if (outdated || (group.atomic && isLost)) {',
    replace: 'if (outdated) {',
  },
  {
    name: 'a group goes on after a command that failed',
    file: `${CORE}apply-flush.ts`,
    find: 'index < end && !(group.atomic && isRefused(growing, start))',
    replace: 'index < end',
  },
  {
    name: 'a group is split over two flushes',
    file: `${CORE}outbox.ts`,
    find: 'end = endOfUnit(pending, count)',
    replace: 'end = count + 1',
  },
  {
    name: 'a group is taken back in the document only',
    file: `${CORE}apply-flush.ts`,
    find: `  commands.length = start.commands
`,
    replace: '',
  },
  {
    name: 'what groups have read is not looked at',
    file: `${CORE}read-check.ts`,
    find: 'return order.findConflict({ clientId, from, writes, reads: paths, since })',
    replace: 'return void order',
  },
  {
    name: 'the history does not say what was one',
    file: `${CORE}apply-flush.ts`,
    find: `    ...(atomic && { atomic }),
`,
    replace: '',
  },
  {
    name: 'a refused group shows on',
    file: `${CORE}batches.ts`,
    find: '    const loss = this.#isRefused ? groupRejected() : this.#checkSize(commands, start)',
    replace: '    const loss = this.#checkSize(commands, start)',
  },
  {
    name: 'a group tells nobody why it failed',
    file: `${CORE}apply-flush.ts`,
    find: 'else if (index === failed?.index) growing.verdicts.push(failed)',
    replace: 'else if (index < 0) growing.verdicts.push(failed!)',
  },
  {
    name: 'labels are for the first command only',
    file: `${CORE}apply-flush.ts`,
    find: `    ...(count > 1 && { count }),
`,
    replace: '',
  },
  {
    name: 'a draft that is discarded is published',
    file: `${CLIENT}draft.ts`,
    find: 'this.#proxy.withdraw(this.#proxy.memory.pending.map(({ serial }) => serial))',
    replace: 'this.publish()',
  },
  {
    name: 'what is undone comes back empty',
    file: `${CORE}undo-effect.ts`,
    find: "return { action: 'create', path, id: key, props: was }",
    replace: "return { action: 'create', path, id: key, props: {} }",
  },
  {
    name: 'answers keep what was erased',
    file: `${SERVER}erasure.ts`,
    find: `if (verdicts.every((verdict, index) => verdict === answer.verdicts[index])) return undefined
`,
    replace: `if (verdicts.length >= 0) return undefined
`,
  },
  {
    name: 'labels keep what was erased',
    file: `${CORE}redact.ts`,
    find: '!(isChanged && label !== undefined) && ',
    replace: '',
  },
  {
    name: 'what was erased stays in the nodes around it',
    file: `${CORE}redact.ts`,
    find: `  const redacted = props && redactDocument(props, rest)
  return redacted === props ? command : { ...command, props: redacted! }
}

/** Words`,
    replace: `  return command
}

/** Words`,
  },
  {
    name: 'erased contents are sealed anew',
    file: `${CORE}redact.ts`,
    find: 'seal: sealOf(entry, digest),',
    replace: 'seal: sealOf({ ...entry, commands }, digest),',
  },
  {
    name: 'an old version ends with its flush',
    file: `${SERVER}read-past.ts`,
    find: 'if (endOf(entry) <= count) return entry',
    replace: 'if (entry) return entry',
  },
  {
    name: 'an old version lacks its last flush',
    file: `${SERVER}read-past.ts`,
    find: 'while (master.commandCount < count) {',
    replace: 'while (master.commandCount < count - 1) {',
  },
  {
    name: 'two groups of a browser wait for each other',
    file: `${CORE}others.ts`,
    find: 'const unit = group?.atomic ? group.id : serial',
    replace: 'const unit = serial',
  },
]
