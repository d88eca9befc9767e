import { createClient, directTransport } from '@flushout/client'
import {
  createTestEnvironment,
  createTestNetwork,
  createTestServer,
} from '@flushout/client/testing'

const server = createTestServer({ 'todos:groceries': { todos: {} } })
const network = createTestNetwork(directTransport(server))
const environment = createTestEnvironment()
const client = createClient({ transport: network, environment })
const list = client.model('todos:groceries')
await list.ready

network.dropAnswers(1)
list.create(['todos'], { text: 'Coffee' })
await environment.advance(1_000)
console.log(list.status.confirmed) // 1, though the first answer was lost
