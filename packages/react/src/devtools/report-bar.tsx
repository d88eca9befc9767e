import { useState, type ReactElement } from 'react'
import { createBugReport, saveFile } from './bug-report.ts'
import type { RecordedClient } from './recorders.ts'

interface ReportBarProps {
  readonly clients: readonly RecordedClient[]
  readonly onSaved: () => void
}

/** Saves all that is known as a file, for a bug report. */
export function ReportBar({ clients, onSaved }: ReportBarProps): ReactElement {
  const [withValues, setWithValues] = useState(false)
  const save = () => {
    const now = new Date()
    const stamp = now.toISOString().slice(0, 19).replaceAll(':', '-')
    saveFile(createBugReport(clients, { withValues, now }), `flushout-report-${stamp}.json`)
    onSaved()
  }
  return (
    <div className="report" role="group" aria-label="Bug report">
      <p>
        A JSON file with models, their status, pending and lost commands, documents and the log.
        {!withValues && ' Texts and numbers of the documents are left out; keys and ids are not.'}
      </p>
      <label>
        <input
          type="checkbox"
          checked={withValues}
          onChange={(event) => setWithValues(event.target.checked)}
        />
        With all values
      </label>
      <button type="button" className="primary" onClick={save}>
        Save file
      </button>
    </div>
  )
}
