// What a database of Flushout promises, whatever happened to the processes
// around it. Each promise is checked by itself, and a broken one told in words
// with the values that break it.
import type { Snapshot } from '@flushout/core'
import { readModels, chainHash, replay, type AuditedModel } from './stored-model.ts'

/** Tell which promises the database of `url` breaks; empty if it is sound. */
export async function auditDatabase(url: string, schema = 'flushout'): Promise<string[]> {
  return (await readModels(url, schema)).flatMap(auditModel)
}

/** Tell which promises the rows of one model break. */
export function auditModel(model: AuditedModel): string[] {
  const checks = [
    findGaps,
    findBrokenHashes,
    findDoubledFlushes,
    findForgetfulClients,
    findStrayCheckpoint,
    findUnplayable,
  ]
  return checks.flatMap((check) => check(model).map((finding) => `${model.key}: ${finding}`))
}

/** Tell how what a server serves differs from what is stored. */
export function auditServed(model: AuditedModel, served: Snapshot): string[] {
  const { key, head } = model
  if (served.commandCount !== head.commandCount || served.hash !== head.hash) {
    return [`${key}: served at ${at(served)}, but stored at ${at(head)}`]
  }
  const [stored, shown] = [replay(model).document, served.document].map((document) =>
    JSON.stringify(document),
  )
  if (stored === shown) return []
  return [`${key}: served as ${shown}, but checkpoint and history make ${stored}`]
}

/** The log leads from the floor to the head, and each entry is as long as its commands. */
function findGaps({ floor, head, log }: AuditedModel): string[] {
  const findings: string[] = []
  let count = floor.commandCount
  for (const { from, to, commands } of log) {
    if (from !== count) findings.push(`the log goes on at ${from} after ${count}`)
    if (to - from !== commands.length || to === from) {
      findings.push(`an entry from ${from} to ${to} has ${commands.length} commands`)
    }
    count = to
  }
  if (count !== head.commandCount) {
    findings.push(`the log ends at ${count}, the head is at ${head.commandCount}`)
  }
  return findings
}

/** Each hash is made of the one before it and of what was applied, up to the head. */
function findBrokenHashes({ floor, head, log }: AuditedModel): string[] {
  const findings: string[] = []
  let { hash } = floor
  for (const entry of log) {
    const expected = chainHash(hash, entry)
    if (entry.hash !== expected) {
      findings.push(`the hash at ${entry.to} is ${entry.hash}, the entries make ${expected}`)
    }
    ;({ hash } = entry)
  }
  if (hash !== head.hash) findings.push(`the head has hash ${head.hash}, the log ends with ${hash}`)
  return findings
}

/** No flush is in the log twice, and those of one client are in their order. */
function findDoubledFlushes({ log }: AuditedModel): string[] {
  const last = new Map<string, number>()
  return log.flatMap(({ clientId, sequence, to }) => {
    const before = last.get(clientId) ?? 0
    last.set(clientId, sequence)
    if (sequence > before) return []
    return [`flush ${sequence} of client ${clientId} is at ${to}, after its flush ${before}`]
  })
}

/** What the log has of a client, its row knows: else a repeat would get in anew. */
function findForgetfulClients({ log, clients }: AuditedModel): string[] {
  const latest = new Map(log.map(({ clientId, sequence }) => [clientId, sequence]))
  return [...latest].flatMap(([clientId, sequence]) => {
    const known = clients.get(clientId) ?? 0
    if (known >= sequence) return []
    return [`the row of client ${clientId} is at flush ${known}, the log has its flush ${sequence}`]
  })
}

/** The checkpoint is a point of this history. */
function findStrayCheckpoint({ floor, checkpoint, log }: AuditedModel): string[] {
  const { commandCount } = checkpoint
  if (commandCount < floor.commandCount) {
    return [`the checkpoint is at ${commandCount}, the log begins at ${floor.commandCount}`]
  }
  const point =
    commandCount === floor.commandCount ? floor : log.find(({ to }) => to === commandCount)
  if (point?.hash === checkpoint.hash) return []
  return [`the checkpoint is at ${at(checkpoint)}, where the log has ${point?.hash ?? 'no hash'}`]
}

/** Checkpoint and log make a document. */
function findUnplayable(model: AuditedModel): string[] {
  try {
    const { commandCount } = replay(model)
    if (commandCount === model.head.commandCount) return []
    return [`checkpoint and log lead to ${commandCount}, the head is at ${model.head.commandCount}`]
  } catch (error) {
    return [`the log does not apply to the checkpoint: ${(error as Error).message}`]
  }
}

function at({ commandCount, hash }: { commandCount: number; hash: string }): string {
  return `${commandCount} (${hash})`
}
