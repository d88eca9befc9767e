import { haveAllParts } from '@flushout/client/testing'
import { cleanup, configure } from '@testing-library/react'
import { afterEach } from 'vitest'
import { closeWorlds } from './world.tsx'

configure({ reactStrictMode: true })
haveAllParts()

// What React complains of: snapshots that are never the same, updates after an
// unmount, markup that does not match.
const complaints: unknown[][] = []
console.error = (...args) => void complaints.push(args)

afterEach(() => {
  cleanup()
  closeWorlds()
  const [first] = complaints.splice(0)
  if (first) throw new Error(`React complained: ${first.join(' ')}`)
})
