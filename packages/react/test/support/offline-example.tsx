import type { Model } from '@flushout/client'
import { useDurable, useRejections } from '@flushout/react'

/** What was done and did not last, until somebody has seen it. */
export function Inbox<Doc extends object>({ model }: { model: Model<Doc> }) {
  const rejections = useRejections(model)
  return rejections.map(({ id, command, path, rejection, at, retry, dismiss }) => (
    <section key={id} role="alert">
      <p>
        {new Date(at).toLocaleTimeString()} {command.action} {path.join(' / ')}: {rejection.message}
      </p>
      {/* With all that was typed, to copy it. */}
      {'props' in command && <pre>{JSON.stringify(command.props)}</pre>}
      <button onClick={retry}>Try again</button>
      <button onClick={dismiss}>Let it go</button>
    </section>
  ))
}

export function StorageWarning() {
  if (useDurable()) return null
  return <p role="status">Your browser keeps nothing: edits live only in this tab until saved.</p>
}
