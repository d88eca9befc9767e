import type { Model } from '@flushout/client'

interface Plan {
  tasks: { [id: string]: { title: string; done?: boolean } }
}

export async function closeAll(
  model: Model<Plan>,
  confirm: (question: string) => Promise<boolean>,
): Promise<void> {
  const draft = await model.fork()
  for (const id of draft.keys(['tasks'])) draft.update(['tasks', id], { done: true })
  if (await confirm(`Close ${draft.edits.length} tasks?`)) draft.publish({ label: 'Close all' })
  else draft.discard()
}
