import type { Mutant } from './mutant.ts'
import { deedMutants } from './mutants-deeds.ts'
import { deviceMutants } from './mutants-devices.ts'
import { liveMutants } from './mutants-live.ts'

const CORE = 'core/src/'
const CLIENT = 'client/src/'
const SERVER = 'server/src/'

/** Each of them breaks a promise, and the simulation has to see it. */
export const mutants: readonly Mutant[] = [
  {
    name: 'a repeat is not recognised',
    file: `${CORE}master.ts`,
    find: 'client?.sequence === flush.sequence && client.digest === digest',
    replace: 'client?.sequence === flush.sequence && client.digest === ""',
  },
  {
    name: 'another flush of the same number is taken for a repeat',
    file: `${CORE}master.ts`,
    find: 'client?.sequence === flush.sequence && client.digest === digest',
    replace: 'client?.sequence === flush.sequence',
  },
  {
    name: 'a client that was forgotten is taken for a new one',
    file: `${CORE}admission.ts`,
    find: '!client && clientId <= lastExpired',
    replace: "!client && clientId <= ''",
  },
  {
    name: 'the past of a client is not compared',
    file: `${CORE}master.ts`,
    find: 'if (ours === hash || (isForgotten && ours === undefined)) return',
    replace: 'return',
  },
  {
    name: 'a count between two flushes is believed',
    file: `${CORE}master.ts`,
    find: 'if (ours === hash || (isForgotten && ours === undefined)) return',
    replace: 'if (ours === hash || (ours === undefined && from <= this.commandCount)) return',
    from: 17_516,
  },
  {
    name: 'a rollback keeps the document',
    file: `${CORE}master.ts`,
    find: 'this.#tree.undo(undo.changes)',
    replace: '',
  },
  {
    name: 'a rollback keeps the client',
    file: `${CORE}master.ts`,
    find: 'if (undo.client) this.#clients.set(undo.clientId, undo.client)',
    replace: 'if (undo.clientId) continue',
  },
  {
    name: 'names that the master changed are not told',
    file: `${CORE}apply-command.ts`,
    find: 'remaps.push({',
    replace: '[].push({',
    from: 3_307,
  },
  {
    name: 'names that the master changed are not followed',
    file: `${CORE}apply-command.ts`,
    find: 'const named = remapCommand(sent, remaps)',
    replace: 'const named = sent',
    from: 3_307,
  },
  {
    name: 'a rule that fails lets the command pass',
    file: `${CORE}intercept.ts`,
    find: "return refuse('INTERCEPTOR_FAILED', 'A rule for this command failed.', current)",
    replace: 'continue',
  },
  {
    name: 'trimmed history forgets where it begins',
    file: `${CORE}recent-history.ts`,
    find: 'this.#floor = { count: endOf(entry), hash: entry.hash }',
    replace: '',
  },
  {
    name: 'a key that is put back goes to the end',
    file: `${CORE}branch.ts`,
    find: 'entry.before.after = entry\n    entry.after.before = entry',
    replace:
      'entry.before = this.#end.before\n    entry.after = this.#end\n    entry.before.after = entry\n    entry.after.before = entry',
    from: 10_450,
  },
  {
    name: 'a retried flush is made anew',
    file: `${CORE}outbox.ts`,
    find: 'if (this.#flush?.commands.length === 0) this.#flush = undefined',
    replace: 'this.#flush = undefined',
  },
  {
    name: 'an answered flush does not count',
    file: `${CORE}outbox.ts`,
    find: 'this.#sequence += 1',
    replace: '',
  },
  {
    name: 'a passing fault is taken for a refusal',
    file: `${CORE}exchange.ts`,
    find: "if (retry === 'never') {",
    replace: "if (retry !== 'after-resync') {",
  },
  {
    name: 'the answer to another flush is taken',
    file: `${CORE}exchange.ts`,
    find: 'if (!flush || isAnother) {',
    replace: 'if (!flush) {',
    from: 3_261,
  },
  {
    name: 'a changed history loses what was in flight',
    file: `${CORE}exchange.ts`,
    find: "if (code !== 'CLIENT_EXPIRED' && !isTaken) return this.#distrust()",
    replace: `if (code !== 'CLIENT_EXPIRED' && !isTaken) {
      this.#replica.queue.takeFlight()
      return this.#distrust()
    }`,
  },
  {
    name: 'a changed history sends what was in flight as a new client',
    file: `${CORE}exchange.ts`,
    find: "if (code !== 'CLIENT_EXPIRED' && !isTaken) return this.#distrust()",
    replace: '',
    from: 2_506,
  },
  {
    name: 'a rebase tells nobody',
    file: `${CORE}exchange.ts`,
    find: 'this.#isSetback = false\n    this.#audience.publish(paths)',
    replace: 'this.#isSetback = false\n    this.#audience.publish([])',
  },
  {
    name: 'a rebase leaves pending commands on',
    file: `${CORE}replica.ts`,
    find: 'this.tree.undo(stack[index]!.changes)',
    replace: '',
  },
  {
    name: 'a rebase loses a command without a word',
    file: `${CORE}pending-queue.ts`,
    find: 'this.#options.onLost(pending, pending === fault.pending ? fault.loss : groupRejected())',
    replace: '',
  },
  {
    name: 'after a failure nobody tries again',
    file: `${CLIENT}flush-loop.ts`,
    find: 'this.#schedule(retryDelay(timing, this.#failures, this.#state.error, environment.random()))',
    replace: '',
  },
  {
    name: 'a refusal from before the login halts the client',
    file: `${CLIENT}flush-loop.ts`,
    find: "if (isFinal && this.#outdated === this.#abort) return 'again'",
    replace: '',
  },
  {
    name: 'an answer that cannot be used wedges the model',
    file: `${CLIENT}exchange-once.ts`,
    find: 'proxy.cancelFlush()',
    replace: '',
  },
  {
    name: 'anything but a no is a yes',
    file: `${SERVER}service.ts`,
    find: 'if (isAllowed !== true) {',
    replace: 'if (isAllowed === false) {',
  },
  {
    name: 'what weighed nothing any more still counts',
    file: `${SERVER}cache.ts`,
    find: 'this.#bytes += weight - (this.#weights.get(key) ?? 0)',
    replace: 'this.#bytes += weight',
  },
  {
    name: 'the failed commit of one is told as done',
    file: `${SERVER}lane.ts`,
    find: 'return batch[0]!.reject(error)',
    replace: "return batch[0]!.resolve('committed')",
  },
  {
    name: 'a refusal is believed without a look at the store',
    file: `${SERVER}runner.ts`,
    find: 'if (mayBeStale && !isProved) {',
    replace: 'if (mayBeStale && !isProved && false) {',
    from: 190,
  },
  {
    name: 'a client is believed where memory ends',
    file: `${SERVER}runner.ts`,
    find: 'model.recall(counts, new Map(unknown.map((count, index) => [count, hashes[index]])))',
    replace: 'void hashes',
    from: 440,
  },
  {
    name: 'news that do not fit are taken as followed',
    file: `${SERVER}runner.ts`,
    find: `    if (followed) {
      this.#options.onAdvance(followed)`,
    replace: `    if (news) {
      if (followed) this.#options.onAdvance(followed)`,
  },
  {
    name: 'the answer goes out before the commit',
    file: `${SERVER}runner.ts`,
    find: 'const outcome = await watched(watch, commit, nameOf)',
    replace:
      'for (const { work, answer } of staged) if (answer) work.resolve(answer)\n      const outcome = await watched(watch, commit, nameOf)',
  },
  {
    name: 'a lost race is taken for a commit',
    file: `${SERVER}runner.ts`,
    find: "if (outcome === 'conflict') {",
    replace: "if (outcome === 'nothing') {",
  },
  {
    name: 'a model is kept though its commit failed',
    file: `${SERVER}runner.ts`,
    find: 'this.#model = undefined\n        if (error instanceof Defect)',
    replace: 'if (error instanceof Defect)',
    from: 5_003,
  },
  {
    name: 'the lock is taken and the news are not read',
    file: `${SERVER}runner.ts`,
    find: `followed = news && this.#follow(model, news)
        if (!news || !followed) return undefined`,
    replace: 'if (!news) return undefined',
  },
  {
    name: 'the commit compares nothing',
    file: `${SERVER}postgres-statements.ts`,
    find: `where m.key = any ($1::text[]) and m.key = w.key and m.command_count = w.read_count
            and m.revision = w.read_revision and m.hash = w.read_hash`,
    replace: 'where m.key = any ($1::text[]) and m.key = w.key',
    database: 'postgres',
  },
  {
    name: 'the log is written for those who lost, too',
    file: `${SERVER}postgres-statements.ts`,
    find: 'join won on won.key = f.key',
    replace: '',
    database: 'postgres',
  },
  {
    name: 'a checkpoint gets the count from before its flushes',
    file: `${SERVER}postgres-statements.ts`,
    find: 'then m.checkpoint_count else w.command_count end',
    replace: 'then m.checkpoint_count else w.read_count end',
    database: 'postgres',
  },
  {
    name: 'trimming reaches past the checkpoint',
    file: `${SERVER}postgres-statements.ts`,
    find: 'select * from oldest where is_due and is_covered',
    replace: 'select * from oldest where is_due',
    database: 'postgres',
    from: 340,
  },
  {
    name: 'the client row is written by a second statement',
    file: `${SERVER}postgres-store.ts`,
    find: 'const values = toColumns(writes)\n    const { rows } = await client.query({ ...this.#statements.commit, values })',
    replace: `const all = toColumns(writes)
    const values = all.map((column, index) => (index >= 20 ? [] : column))
    const { rows } = await client.query({ ...this.#statements.commit, values })
    await client.query({
      text: \`insert into "\${this.#schema}".client as c (key, client_id, user_id, sequence, digest, answer, seen_at)
        select key, client_id, user_id, sequence, digest, answer::json, seen_at
        from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])
          as c (key, client_id, user_id, sequence, digest, answer, seen_at)
        where c.key = any ($8::text[])
        on conflict (key, client_id) do update set sequence = excluded.sequence,
          digest = excluded.digest, answer = excluded.answer, seen_at = excluded.seen_at\`,
      values: [...all.slice(20), rows.map((row) => row['key'])],
    })`,
    database: 'postgres',
    from: 310,
  },
  ...liveMutants,
  ...deviceMutants,
  ...deedMutants,
]
