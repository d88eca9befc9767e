// Loaded when somebody asks for a preview, which most applications never do.
import {
  FlushoutError,
  isFlushoutError,
  preview,
  type CommandProxy,
  type GivenCommand,
  type Path,
  type PendingSession,
  type Preview,
  type PreviewedCommand,
  type ProxyOptions,
  type PullAnswer,
} from '@flushout/core'
import { createPull, loadSnapshot } from './load-snapshot.ts'
import type { Transport } from './transport.ts'

/** What would become of the edits that this page has to send, and the way to take some back. */
export interface ModelPreview extends Preview {
  /**
   * Take edits of this preview back before they are sent, with those that build on them.
   * They end as dropped, with the code WITHDRAWN, and are no entries of `rejections`.
   * What was sent already stays. Gives what was taken back.
   */
  withdraw(edits: readonly PreviewedCommand[]): readonly GivenCommand[]
}

/** Whose edits are looked at: a proxy, or what stands for one. */
export type PreviewedSession = Pick<
  CommandProxy<object>,
  'clientId' | 'confirmed' | 'confirmedSnapshot' | 'memory' | 'pending' | 'withdraw'
>

export interface PreviewOptions {
  readonly key: string
  readonly transport: Transport
  /** Those whose edits this page sends, its own first. */
  readonly proxies: readonly PreviewedSession[]
  /** What all sessions of this person have pending. */
  readonly pending: readonly PendingSession[]
  readonly rules: ProxyOptions
  readonly signal: AbortSignal
  readonly onWithdrawn: () => void
}

/** Hold what is pending against what the master has now. */
export async function previewModel(options: PreviewOptions): Promise<ModelPreview> {
  const { proxies, onWithdrawn } = options
  const previews = await Promise.all(proxies.map((proxy) => previewSession(options, proxy)))
  const owners = new Map<PreviewedCommand, PreviewedSession>()
  previews.forEach(({ commands }, index) => {
    for (const command of commands) owners.set(command, proxies[index]!)
  })
  const { commandCount, hash } = previews[0]!
  return {
    commandCount,
    hash,
    commands: [...owners.keys()].toSorted((a, b) => a.serial - b.serial),
    withdraw(edits) {
      const chosen = edits.flatMap((edit) => {
        const proxy = owners.get(edit)
        return proxy ? [{ proxy, serial: edit.serial }] : []
      })
      const withdrawn = withdraw(proxies, chosen)
      onWithdrawn()
      return withdrawn
    },
  }
}

async function previewSession(
  { key, transport, pending, rules, signal }: PreviewOptions,
  proxy: PreviewedSession,
): Promise<Preview> {
  const { from, hash } = proxy.confirmed
  const { clientId } = proxy
  const { versions } = rules
  const pull = createPull({ clientId, versions }, { from, hash })
  const ours = { ...rules, others: pending }
  try {
    const answer = (await transport.flush(key, pull, signal)) as PullAnswer
    const seen = preview(proxy, answer, ours)
    if (seen) return seen
    // The proxy has gone on meanwhile.
  } catch (error) {
    // The master has another past: only its whole document will do.
    if (!isFlushoutError(error) || error.retry !== 'after-resync') throw error
  }
  const latest = await loadSnapshot({ key, transport, versions, clientId, signal })
  const whole = preview(proxy, latest, ours)
  if (whole) return whole
  throw new FlushoutError('ANSWER_INVALID', "The server's answer cannot be used.")
}

interface ChosenEdit {
  readonly proxy: PreviewedSession
  readonly serial: number
}

/** Take edits back, with what was given in whatever session for nodes that they create. */
function withdraw(
  proxies: readonly PreviewedSession[],
  edits: readonly ChosenEdit[],
): readonly GivenCommand[] {
  if (edits.length === 0) return []
  const withdrawn = proxies.flatMap((proxy) =>
    proxy.withdraw(edits.flatMap((edit) => (edit.proxy === proxy ? [edit.serial] : []))),
  )
  const gone = withdrawn.flatMap((command): Path[] =>
    command.action === 'create' ? [[...(command.path ?? []), command.id!]] : [],
  )
  const orphans = proxies.flatMap((proxy) =>
    proxy.pending.commands
      .filter(({ sequence, command }) => sequence === undefined && isBelow(command, gone))
      .map(({ serial }) => ({ proxy, serial })),
  )
  return [...withdrawn, ...withdraw(proxies, orphans)]
}

function isBelow({ path = [] }: GivenCommand, nodes: readonly Path[]): boolean {
  return nodes.some((node) => node.every((segment, index) => path[index] === segment))
}
