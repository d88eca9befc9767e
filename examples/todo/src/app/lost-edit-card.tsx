import type { LostEdit } from './lost-edits.ts'

interface LostEditCardProps {
  readonly edit: LostEdit
  /** Undefined where there is nothing to do again. */
  readonly onRetry: (() => void) | undefined
  readonly onEdit: (() => void) | undefined
  readonly onDismiss: () => void
}

/** Says what was not saved and why, and keeps it. */
export function LostEditCard({ edit, onRetry, onEdit, onDismiss }: LostEditCardProps) {
  const { text, done, action, message } = edit
  return (
    <div className="lost" role="alert">
      <p>
        <strong>Not saved.</strong> {message}
      </p>
      {text !== undefined && <blockquote>{text}</blockquote>}
      {text === undefined && done !== undefined && (
        <p>You had {done ? 'ticked it off' : 'taken its tick away'}.</p>
      )}
      {action === 'delete' && <p>You had deleted it.</p>}
      <div className="actions">
        {onRetry && (
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        )}
        {onEdit && (
          <button type="button" onClick={onEdit}>
            Edit
          </button>
        )}
        <button type="button" onClick={onDismiss}>
          Dismiss
        </button>
      </div>
    </div>
  )
}
