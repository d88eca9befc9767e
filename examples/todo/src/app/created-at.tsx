const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'medium' })

/** When the master took a todo; before, that it has not. */
export function CreatedAt({ at }: { readonly at: number | undefined }) {
  if (at === undefined) return <span className="created waiting">not yet saved</span>
  const date = new Date(at)
  return (
    <time className="created" dateTime={date.toISOString()} title={full.format(date)}>
      {(isToday(date) ? time : day).format(date)}
    </time>
  )
}

function isToday(date: Date): boolean {
  return date.toDateString() === new Date().toDateString()
}
