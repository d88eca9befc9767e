// Whoever is the gateway, and whether there is one: it is a transport as any other.
import { directTransport, type Transport } from '@flushout/client'
import {
  createTestServer,
  liveContract,
  transportContract,
  type CreateTransport,
  type TransportWorld,
} from '@flushout/client/testing'
import { describe, expect, test, vi } from 'vitest'
import { createTabEnvironment, type TabEnvironment } from '../src/tabs/tab-environment.ts'
import { gatewayLock } from '../src/tabs/tab-lines.ts'
import { tabTransport } from '../src/tabs/tab-transport.ts'
import { gated } from './support/gated.ts'
import { TestBrowser } from './support/test-browser.ts'

const transports: Record<string, CreateTransport> = {
  'a tab without others': (world) => {
    const tabs = new TestBrowser().open()
    const tab = tabTransport(direct(world), { name: 'app', tabs })
    return { transport: tab, close: tab.close }
  },
  'a tab beside the gateway': (world) => {
    const browser = new TestBrowser()
    return beside(world, 'app', () => browser.open())
  },
  'a tab beside the gateway, by the locks and channels of the platform': (world) => {
    const tabs = createTabEnvironment(navigator.locks)
    return beside(world, crypto.randomUUID(), () => tabs)
  },
  'a tab that has neither locks nor channels': (world) => {
    const tab = tabTransport(direct(world), { name: 'app', tabs: undefined })
    return { transport: tab, close: tab.close }
  },
}

describe.each(Object.entries(transports))('%s', (_name, createTransport) => {
  transportContract(test, createTransport)
  liveContract(test, createTransport)
})

async function beside(world: TransportWorld, name: string, open: () => TabEnvironment) {
  const tabs = open()
  const gateway = tabTransport(direct(world), { name, tabs })
  await vi.waitFor(async () => expect(await tabs.isHeld(gatewayLock(name))).toBe(true))
  const tab = tabTransport(unreachable, { name, tabs: open() })
  const close = () => {
    tab.close()
    gateway.close()
  }
  return { transport: tab, close }
}

function direct({ documents, gate }: TransportWorld): Transport {
  return directTransport(gated(createTestServer(documents), gate))
}

/** Of a tab that has to leave it to another to speak with the server. */
const unreachable = new Proxy({} as Transport, {
  get(_target, method) {
    if (method === 'live') return unreachable
    if (method === 'onLogin') return undefined
    return () => Promise.reject(new Error(`The tab itself was used for ${String(method)}.`))
  },
})
