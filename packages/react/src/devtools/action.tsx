import type { GivenCommand } from '@flushout/client'
import type { ReactElement } from 'react'
import { nodeOf, tellPath, tellProps } from './words.ts'

/** A command on one line. */
export function Action({
  command,
  label,
}: {
  readonly command: GivenCommand
  /** What the application calls it. */
  readonly label?: string | undefined
}): ReactElement {
  const path = nodeOf(command)
  return (
    <>
      <span className="action" data-action={command.action}>
        {command.action}
      </span>
      <span className="what">
        {label !== undefined && <b>{label} </b>}
        <span className="path" title={path.join(' / ')}>
          {command.action === 'run' ? command.name : tellPath(path)}
        </span>{' '}
        <span className="props">{tellProps(command)}</span>
      </span>
    </>
  )
}
