import type { Command, Expects, JsonObject, Update } from '@flushout/core'

/** What two clients do at once, first to arrive first, and what comes of it. */
export interface Race {
  readonly title: string
  readonly first: Command
  readonly second: Command
  /** Of the second's command, where it is not applied as given. */
  readonly outcome?: 'dropped' | 'amended' | 'conflict'
  readonly document: unknown
}

// What both start from.
export const START: JsonObject = { a: { x: 1, y: 1 }, b: { c: { z: 1 } }, list: [1, 2], gone: {} }
const { a, b, list, gone } = START

const set = (path: string[], props: JsonObject, unset?: string[]): Update => ({
  action: 'update',
  path,
  props,
  ...(unset && { unset }),
})
const expecting = (expects: Expects, update: Update): Update => ({ ...update, expects })
const remove = (...path: string[]): Command => ({ action: 'delete', path })
const create = (
  path: string[],
  id: string,
  props: JsonObject,
  parentDefault?: JsonObject,
): Command => ({ action: 'create', path, id, props, ...(parentDefault && { parentDefault }) })

/** Without a word about what the second expects. */
export const races: readonly Race[] = [
  {
    title: 'update and update of one prop: the later one wins',
    first: set(['a'], { x: 'first' }),
    second: set(['a'], { x: 'second' }),
    document: { a: { x: 'second', y: 1 }, b, list, gone },
  },
  {
    title: 'update and update of different props: both stay',
    first: set(['a'], { x: 'first' }),
    second: set(['a'], { y: 'second' }),
    document: { a: { x: 'first', y: 'second' }, b, list, gone },
  },
  {
    title: 'update of a prop and update of a node below: both stay',
    first: set(['b'], { n: 1 }),
    second: set(['b', 'c'], { z: 2 }),
    document: { a, b: { c: { z: 2 }, n: 1 }, list, gone },
  },
  {
    title: 'update of a node below a prop that another replaced: it applies to the new node',
    first: set(['b'], { c: { z: 9, w: 9 } }),
    second: set(['b', 'c'], { z: 2 }),
    document: { a, b: { c: { z: 2, w: 9 } }, list, gone },
  },
  {
    title: 'update of a node below a prop that became a value: it is dropped',
    first: set(['b'], { c: 5 }),
    second: set(['b', 'c'], { z: 2 }),
    outcome: 'dropped',
    document: { a, b: { c: 5 }, list, gone },
  },
  {
    title: 'update and replacing of the whole above: the replacing wins',
    first: set(['b', 'c'], { z: 2 }),
    second: set(['b'], { c: { z: 9 } }),
    document: { a, b: { c: { z: 9 } }, list, gone },
  },
  {
    title: 'update and unset of one prop: the later one wins',
    first: set(['a'], { x: 2 }),
    second: set(['a'], {}, ['x']),
    document: { a: { y: 1 }, b, list, gone },
  },
  {
    title: 'unset and update of one prop: the later one wins',
    first: set(['a'], {}, ['x']),
    second: set(['a'], { x: 2 }),
    document: { a: { y: 1, x: 2 }, b, list, gone },
  },
  {
    title: 'unset and unset of one prop: one removal',
    first: set(['a'], {}, ['x']),
    second: set(['a'], {}, ['x']),
    document: { a: { y: 1 }, b, list, gone },
  },
  {
    title: 'array and array: lists are values, the later one wins whole',
    first: set([], { list: [1, 2, 3] }),
    second: set([], { list: [0, 1, 2] }),
    document: { a, b, list: [0, 1, 2], gone },
  },
  {
    title: 'update and delete of one node: it is deleted',
    first: set(['a'], { x: 2 }),
    second: remove('a'),
    document: { b, list, gone },
  },
  {
    title: 'delete and update of one node: the update is dropped, not the node restored',
    first: remove('a'),
    second: set(['a'], { x: 2 }),
    outcome: 'dropped',
    document: { b, list, gone },
  },
  {
    title: 'delete and update of a node below: the update is dropped',
    first: remove('b'),
    second: set(['b', 'c'], { z: 2 }),
    outcome: 'dropped',
    document: { a, list, gone },
  },
  {
    title: 'update of a prop and delete of that prop: it is deleted',
    first: set(['a'], { x: 2 }),
    second: remove('a', 'x'),
    document: { a: { y: 1 }, b, list, gone },
  },
  {
    title: 'delete of a prop and update of it: it is set',
    first: remove('a', 'x'),
    second: set(['a'], { x: 2 }),
    document: { a: { y: 1, x: 2 }, b, list, gone },
  },
  {
    title: 'delete and delete of one node: one removal, both applied',
    first: remove('gone'),
    second: remove('gone'),
    document: { a, b, list },
  },
  {
    title: 'delete of a node and of one below it: the second is dropped',
    first: remove('b'),
    second: remove('b', 'c'),
    outcome: 'dropped',
    document: { a, list, gone },
  },
  {
    title: 'delete of a node and of the one above: both apply',
    first: remove('b', 'c'),
    second: remove('b'),
    document: { a, list, gone },
  },
  {
    title: 'create under a node and delete of it: all of it is deleted',
    first: create(['gone'], 'n', {}),
    second: remove('gone'),
    document: { a, b, list },
  },
  {
    title: 'delete of a node and create under it: the create is dropped',
    first: remove('gone'),
    second: create(['gone'], 'n', {}),
    outcome: 'dropped',
    document: { a, b, list },
  },
  {
    title: 'delete of a node and create under it with parentDefault: the parent is made anew',
    first: remove('gone'),
    second: create(['gone'], 'n', { n: 1 }, { made: true }),
    document: { a, b, list, gone: { made: true, n: { n: 1 } } },
  },
  {
    title: 'create and create of different ids: both, in order',
    first: create([], 'n', { by: 1 }),
    second: create([], 'm', { by: 2 }),
    document: { ...START, n: { by: 1 }, m: { by: 2 } },
  },
  {
    title: 'create and create of one id: both, the second renamed',
    first: create([], 'n', { by: 1 }),
    second: create([], 'n', { by: 2 }),
    outcome: 'amended',
    document: { ...START, n: { by: 1 }, 'master-1': { by: 2 } },
  },
  {
    title: 'create of one parent by parentDefault twice: one parent, both children',
    first: create(['new'], 'n', {}, { by: 1 }),
    second: create(['new'], 'm', {}, { by: 2 }),
    document: { ...START, new: { by: 1, n: {}, m: {} } },
  },
  {
    title: 'a value where parentDefault would make a parent: the create is dropped',
    first: set([], { new: 5 }),
    second: create(['new'], 'm', {}, {}),
    outcome: 'dropped',
    document: { ...START, new: 5 },
  },
  {
    title: 'update with a key and create of it: the create is renamed',
    first: set([], { n: 1 }),
    second: create([], 'n', { by: 2 }),
    outcome: 'amended',
    document: { ...START, n: 1, 'master-1': { by: 2 } },
  },
  {
    title: 'create of a key and update with it: the update replaces',
    first: create([], 'n', { by: 1 }),
    second: set([], { n: 2 }),
    document: { ...START, n: 2 },
  },
]

/** Where the second says what it expects. */
export const expectingRaces: readonly Race[] = [
  {
    title: 'the prop is another: the first stays',
    first: set(['a'], { x: 'first' }),
    second: expecting({ props: { x: 1 } }, set(['a'], { x: 'second' })),
    outcome: 'conflict',
    document: { a: { x: 'first', y: 1 }, b, list, gone },
  },
  {
    title: 'another prop is another: both stay',
    first: set(['a'], { y: 'first' }),
    second: expecting({ props: { x: 1 } }, set(['a'], { x: 'second' })),
    document: { a: { x: 'second', y: 'first' }, b, list, gone },
  },
  {
    title: 'the prop was set to what it was: the later one wins',
    first: set(['a'], { x: 1 }),
    second: expecting({ props: { x: 1 } }, set(['a'], { x: 'second' })),
    document: { a: { x: 'second', y: 1 }, b, list, gone },
  },
  {
    title: 'the prop is gone: it stays so',
    first: set(['a'], {}, ['x']),
    second: expecting({ props: { x: 1 } }, set(['a'], { x: 'second' })),
    outcome: 'conflict',
    document: { a: { y: 1 }, b, list, gone },
  },
  {
    title: 'a prop came that was not there: the first stays',
    first: set(['a'], { owner: 'first' }),
    second: expecting({ unset: ['owner'] }, set(['a'], { owner: 'second' })),
    outcome: 'conflict',
    document: { a: { x: 1, y: 1, owner: 'first' }, b, list, gone },
  },
  {
    title: 'the list is another: the first stays, as lists are values',
    first: set([], { list: [1, 2, 3] }),
    second: expecting({ props: { list: [1, 2] } }, set([], { list: [0, 1, 2] })),
    outcome: 'conflict',
    document: { a, b, list: [1, 2, 3], gone },
  },
  {
    title: 'the node is gone: it stays so, as without `expects`',
    first: remove('a'),
    second: expecting({ props: { x: 1 } }, set(['a'], { x: 'second' })),
    outcome: 'dropped',
    document: { b, list, gone },
  },
  {
    title: 'somebody wrote to the node since: the first stays',
    first: set(['a'], { y: 'first' }),
    second: expecting({ since: 0 }, set(['a'], { x: 'second' })),
    outcome: 'conflict',
    document: { a: { x: 1, y: 'first' }, b, list, gone },
  },
  {
    title: 'somebody wrote below the node since: the first stays',
    first: set(['b', 'c'], { z: 'first' }),
    second: expecting({ since: 0 }, set(['b'], { n: 'second' })),
    outcome: 'conflict',
    document: { a, b: { c: { z: 'first' } }, list, gone },
  },
  {
    title: 'somebody put another node in its place since: the first stays',
    first: set([], { b: { c: { z: 'first' } } }),
    second: expecting({ since: 0 }, set(['b', 'c'], { n: 'second' })),
    outcome: 'conflict',
    document: { a, b: { c: { z: 'first' } }, list, gone },
  },
  {
    title: 'somebody wrote beside the node since: both stay',
    first: set(['b'], { n: 'first' }),
    second: expecting({ since: 0 }, set(['b', 'c'], { z: 'second' })),
    document: { a, b: { c: { z: 'second' }, n: 'first' }, list, gone },
  },
]

/** The races as a table of Markdown, for the page about conflicts. */
export function toTable(all: readonly Race[]): string {
  const rows = all.map(({ title, first, second, outcome = 'applied', document }) => {
    const cells = [show(first), show(second), showChange(document as JsonObject)]
    const [meeting, result] = title.split(': ')
    const [one, two, after] = cells.map((cell) => `\`${cell}\``)
    return `| ${meeting} | ${one} | ${two} | ${outcome} | ${result}: ${after} |`
  })
  const heads = ['what meets', 'first', 'second', 'the second is', 'what comes of it']
  return [`| ${heads.join(' | ')} |`, `|${' --- |'.repeat(heads.length)}`, ...rows].join('\n')
}

function show(command: Command): string {
  const { action, path = [] } = command
  const at = `/${path.join('/')}`
  if (action === 'delete') return `delete ${at}`
  const props = JSON.stringify(command.props ?? {})
  if (action === 'create') {
    const { id, parentDefault } = command
    const parent = parentDefault ? ` parentDefault ${JSON.stringify(parentDefault)}` : ''
    return `create ${path.length > 0 ? at : ''}/${id} ${props}${parent}`
  }
  const { unset, expects } = command
  const removed = unset ? ` unset ${JSON.stringify(unset)}` : ''
  return `update ${at} ${props}${removed}${expects ? ` expects ${JSON.stringify(expects)}` : ''}`
}

/** What of the document is another than at the start; a made id by the word `other`. */
function showChange(document: JsonObject): string {
  const isChanged = (key: string) => JSON.stringify(document[key]) !== JSON.stringify(START[key])
  const changed = Object.entries(document).filter(([key]) => isChanged(key))
  const left = Object.keys(START).filter((key) => !(key in document))
  const now = JSON.stringify(Object.fromEntries(changed)).replaceAll('master-1', 'other')
  return left.length === 0
    ? now
    : [...left.map((key) => `no ${key}`), ...(now === '{}' ? [] : [now])].join(', ')
}
