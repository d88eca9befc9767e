// What a database of Flushout promises, whatever happened to the processes
// around it. Each promise is checked by itself, and a broken one told in words
// with the values that break it.
import type { Snapshot } from '@flushout/core'
import { ModelAudit } from '../../packages/server/src/verify/model-audit.ts'
import { digest, readModels, replay, type AuditedModel } from './stored-model.ts'

/** Tell which promises the database of `url` breaks; empty if it is sound. */
export async function auditDatabase(url: string, schema = 'flushout'): Promise<string[]> {
  return (await readModels(url, schema)).flatMap(auditModel)
}

/** Tell which promises the rows of one model break. */
export function auditModel({
  key,
  floor,
  head,
  checkpoints,
  log,
  clients,
  lastExpired,
}: AuditedModel): string[] {
  const audit = new ModelAudit({ floor, head, checkpoints, lastExpired }, digest)
  for (const entry of log) audit.add(entry)
  audit.end(clients)
  return audit.findings.map((finding) => `${key}: ${finding}`)
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

function at({ commandCount, hash }: { commandCount: number; hash: string }): string {
  return `${commandCount} (${hash})`
}
