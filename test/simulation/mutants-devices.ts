import type { Mutant } from './mutant.ts'

const CORE = 'core/src/'
const CLIENT = 'client/src/'
const VAULT = 'client/src/vault/'

/** Mistakes in what a device keeps, and in what its tabs do with it. */
export const deviceMutants: readonly Mutant[] = [
  {
    name: 'what is in flight is not stored',
    file: `${VAULT}journal.ts`,
    find: 'keys.session(clientId, { page, ...rest })',
    replace: 'keys.session(clientId, { page, ...rest, flight: undefined } as never)',
  },
  {
    name: 'what a dead page left is taken over without its lock',
    file: `${VAULT}vault.ts`,
    find: 'await this.#claims.hold(page)',
    replace: 'await Promise.resolve()',
    from: 420,
  },
  {
    name: 'what was taken over is still told to be of the dead page',
    file: `${VAULT}heritage.ts`,
    find: 'const taken = keys.session(clientId, { ...row, page })',
    replace: 'const taken: StorageChange[] = []',
    from: 280,
  },
  {
    name: 'what was taken over forgets what is in flight',
    file: `${VAULT}heritage.ts`,
    find: 'const { page: _, ...rest } = row',
    replace: 'const { page: _, flight: _flight, ...rest } = row',
  },
  {
    name: 'an outbox that goes on begins its numbers anew',
    file: `${CORE}outbox.ts`,
    find: 'this.#sequence = memory?.sequence ?? 0',
    replace: 'this.#sequence = 0',
  },
  {
    name: 'of several sessions that were left only the latest goes on',
    file: `${VAULT}keeper.ts`,
    find: '    this.#carry(rest)\n',
    replace: '',
  },
  {
    name: 'what a page leaves that dies beside others is dropped',
    file: `${VAULT}keeper.ts`,
    find: '      this.#carry(this.#chooseUsable(memories, written))\n',
    replace: '',
  },
  {
    name: 'pages that live are taken for dead',
    file: `${VAULT}vault.ts`,
    find: 'return all.filter((page, index) => !alive[index] || this.#claims.has(page))',
    replace: 'return all',
  },
  {
    name: 'what is confirmed stays on the disk as pending',
    file: `${VAULT}journal.ts`,
    find: '      changes.push(keys.withoutEdit(clientId, known))\n',
    replace: '',
    from: 200,
  },
  {
    name: 'what was refused is not written down',
    file: `${VAULT}journal.ts`,
    find: 'changes.push(...lost.map((loss) => keys.lost(loss.id, loss.lost)))',
    replace: '',
  },
  {
    name: 'a new client id leaves the rows of the one before',
    file: `${VAULT}journal.ts`,
    find: 'changes.push(...keys.withoutSession(last.clientId))',
    replace: '',
  },
  {
    name: 'an edit is told to be durable before it is stored',
    file: `${VAULT}journal.ts`,
    find: 'await storage.write(changes)\n      isDurable = storage.isDurable',
    replace:
      'isDurable = storage.isDurable\n      proxy.persisted(serial, isDurable)\n      await storage.write(changes)',
  },
  {
    name: 'what a copy of the device may have sent is sent again',
    file: `${CORE}exchange.ts`,
    find: '...(isTaken ? queue.takeStored() : [])',
    replace: '',
    from: 840,
  },
  {
    name: 'what a full disk did not take is forgotten',
    file: `${CLIENT}storage/disk-storage.ts`,
    find: '      all.add(this.#backlog.changes)\n',
    replace: '',
    from: 110,
  },
  {
    name: 'nobody waits for the edit of another tab on which theirs was given',
    file: `${CORE}others.ts`,
    find: 'isRelated(other.paths, paths),',
    replace: 'isRelated(other.paths, paths) && false,',
    from: 640,
  },
  {
    name: 'what others have to send is not shown',
    file: `${VAULT}keeper.ts`,
    find: 'own.showOthers(others)',
    replace: 'own.showOthers([])',
  },
  {
    name: 'what was answered to another tab is shown for ever',
    file: `${VAULT}board.ts`,
    find: '.filter(({ until, at }) => until > confirmed && at + NEWS_MS >= syncedAt)',
    replace: '',
  },
]
