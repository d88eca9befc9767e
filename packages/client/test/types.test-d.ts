import { createClient, directTransport, type ClientOptions, type Transport } from '@flushout/client'
import { createTestServer } from '@flushout/client/testing'

const transport: Transport = directTransport(createTestServer({}))

createClient({ url: '/flushout', auth: { token: () => 'token' }, headers: () => ({ tenant: 't' }) })
createClient({ url: '/flushout', auth: { token: async ({ isRefused }) => `${isRefused}` } })
createClient({ url: '/flushout', auth: { token: () => undefined, subscribe: () => () => {} } })
createClient({ transport })

// @ts-expect-error -- nothing to reach the server by
createClient({})
// @ts-expect-error -- two ways to it
createClient({ url: '/flushout', transport })
// @ts-expect-error -- nobody would ask for the token
createClient({ transport, auth: { token: () => 'token' } })
// @ts-expect-error -- nor for the headers
createClient({ transport, headers: () => ({}) })
// @ts-expect-error -- a token, not headers
createClient({ url: '/flushout', auth: { token: () => ({ authorization: 'token' }) } })
// @ts-expect-error -- nothing to end it with
createClient({ url: '/flushout', auth: { subscribe: () => {} } })

/** Options that one function of an application makes for all its clients. */
export function withTenant(options: ClientOptions, keepAliveMs: number): ClientOptions {
  return { ...options, keepAliveMs }
}
