import type { Client } from '@flushout/client'

export async function openAfterAbsence(
  client: Client,
  key: string,
  ask: (question: string) => Promise<boolean>,
): Promise<void> {
  // The client was made with `flush: { mode: 'manual' }`, so nothing is sent yet.
  const model = client.model(key)
  await model.ready
  const preview = await model.preview()
  const lost = preview.commands.filter(({ kind }) => kind === 'dropped' || kind === 'rejected')
  const question = `${lost.length} of ${preview.commands.length} edits no longer apply. Drop them?`
  if (lost.length > 0 && (await ask(question))) preview.withdraw(lost)
  // What was not withdrawn is sent, and what cannot apply is told in the inbox.
  client.flushMode = 'auto'
}
