import { useState } from 'react'

/** The address of this list, to open it elsewhere, and the way to another list. */
export function ListAddress() {
  const [isCopied, setIsCopied] = useState(false)
  const copy = () => {
    void navigator.clipboard.writeText(location.href).then(() => setIsCopied(true))
  }
  return (
    <div className="address">
      <p>
        Open <a href={location.href}>{location.host + location.pathname}</a> in any other browser to
        work on the same list.
      </p>
      <button type="button" className="quiet" onClick={copy}>
        {isCopied ? 'Copied' : 'Copy address'}
      </button>
      <a className="button quiet" href={`/lists/list-${crypto.randomUUID().slice(0, 8)}`}>
        New list
      </a>
    </div>
  )
}
