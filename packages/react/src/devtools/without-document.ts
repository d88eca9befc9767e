/**
 * An answer of the server as it is kept: without the documents that may be in it, which
 * would take the memory of many versions.
 */
export function withoutDocument(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  const { document, sync, ...rest } = answer as Record<string, unknown>
  return {
    ...rest,
    ...(document !== undefined && { document: '(left out)' }),
    ...(sync !== undefined && { sync: withoutSnapshot(sync) }),
  }
}

function withoutSnapshot(sync: unknown): unknown {
  const { snapshot } = Object(sync) as { snapshot?: unknown }
  return snapshot === undefined
    ? sync
    : { ...(sync as object), snapshot: withoutDocument(snapshot) }
}
