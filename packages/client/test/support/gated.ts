import type { Backend } from '@flushout/client'

/** The backend behind a gate that each exchange has to pass. */
export function gated(backend: Backend, gate: () => void | Promise<void>): Backend {
  return {
    async snapshot(key) {
      await gate()
      return backend.snapshot(key)
    },
    async flush(key, flush) {
      await gate()
      return backend.flush(key, flush)
    },
    async live(...connection) {
      await gate()
      return backend.live!(...connection)
    },
    async announce(presence) {
      await gate()
      backend.announce!(presence)
    },
  }
}
