import { useId, type KeyboardEvent, type Ref } from 'react'
import { MAX_TEXT_LENGTH } from '../todo-list.ts'

interface TextFieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly onEnter: () => void
  readonly onEscape?: () => void
  /** Why the text was refused. */
  readonly problem: string | undefined
  readonly placeholder?: string
  readonly ref?: Ref<HTMLTextAreaElement>
}

/** A field that grows with its text. Enter is for saving: a todo is one paragraph. */
export function TextField(props: TextFieldProps) {
  const { label, value, onChange, onEnter, onEscape, problem, placeholder, ref } = props
  const id = useId()
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter and Escape that belong to an input method are not ours.
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') onEscape?.()
    if (event.key !== 'Enter') return
    event.preventDefault()
    onEnter()
  }
  return (
    <div className="field">
      <textarea
        ref={ref}
        rows={1}
        aria-label={label}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : id}
        enterKeyHint="done"
        value={value}
        placeholder={placeholder}
        onChange={(event) => onChange(event.target.value.replaceAll('\n', ' '))}
        onKeyDown={onKeyDown}
      />
      {value.length > MAX_TEXT_LENGTH - 50 && (
        <span className="length">
          {value.length} of {MAX_TEXT_LENGTH}
        </span>
      )}
      {problem !== undefined && (
        <p className="problem" role="alert" id={id}>
          {problem}
        </p>
      )}
    </div>
  )
}
