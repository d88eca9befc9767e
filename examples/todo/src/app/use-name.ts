import { useState } from 'react'

export const MAX_NAME_LENGTH = 20

/** What whoever works in a client is called: kept in this browser, a guest at first. */
export function useName(client: string): [name: string, setName: (name: string) => void] {
  const key = `name of ${client}`
  const [name, setName] = useState(() => localStorage.getItem(key) ?? nameGuest(key))
  const rename = (next: string) => {
    setName(next)
    localStorage.setItem(key, next)
  }
  return [name, rename]
}

function nameGuest(key: string): string {
  const name = `Guest ${10 + Math.floor(Math.random() * 90)}`
  localStorage.setItem(key, name)
  return name
}
