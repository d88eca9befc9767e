import Ajv2020 from 'ajv/dist/2020.js'
import { PROTOCOL, type Flush } from '@flushout/core'
import { expect, test } from 'vitest'
import { TestServer } from './support/http.ts'
import { add, KEY } from './support/world.ts'

interface OpenApi {
  readonly openapi: string
  readonly paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  readonly components: { readonly schemas: Record<string, unknown> }
}

async function readOpenApi(server: TestServer): Promise<OpenApi> {
  return (await server.get('/openapi.json')).body as unknown as OpenApi
}

test('the OpenAPI document names every route, and no other', async () => {
  await using server = await TestServer.start()
  const { openapi, paths } = await readOpenApi(server)
  expect(openapi).toBe('3.1.0')
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} /flushout${path}`),
  )
  const routes = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].flatMap((method) =>
    described
      .map((line) => line.split(' ')[1]!)
      .filter((url, index, all) => all.indexOf(url) === index)
      .filter((url) => server.app.hasRoute({ method, url: url.replace('{key}', ':key') }))
      .map((url) => `${method} ${url}`),
  )
  expect(routes.toSorted()).toEqual(described.toSorted())
  expect(server.app.printRoutes({ commonPrefix: false }).match(/\((GET|POST)/g)).toHaveLength(
    described.length,
  )
})

test('its schemas are valid, complete and fit what is really answered', async () => {
  await using server = await TestServer.start()
  const { components, paths } = await readOpenApi(server)
  const ajv = new Ajv2020.default({ strict: true, allErrors: true })
  ajv.addVocabulary(['components'])
  const check = (name: string, value: unknown) => {
    const validate = ajv.compile({ components, $ref: `#/components/schemas/${name}` })
    validate(value)
    expect(validate.errors ?? []).toEqual([])
  }
  for (const [, name] of JSON.stringify(paths).matchAll(/#\/components\/schemas\/(\w+)/g)) {
    expect(components.schemas).toHaveProperty(name!)
  }
  const flush: Flush = {
    protocol: PROTOCOL,
    clientId: 'ada',
    sequence: 1,
    from: 0,
    hash: '',
    commands: [add('a'), add('a'), { action: 'delete', path: ['nowhere', 'x'] }],
  }
  check('Flush', flush)
  check('FlushAnswer', (await server.post(flush)).body)
  const snapshot = (await server.get(`/models/${KEY}`)).body
  check('Snapshot', snapshot)
  check('PullAnswer', (await server.get(`/models/${KEY}?from=0&hash=`)).body)
  check(
    'PullAnswer',
    (await server.get(`/models/${KEY}?from=2&hash=${String(snapshot['hash'])}`)).body,
  )
  check('Error', (await server.get('/models/unknown')).body)
  check('Error', (await server.post('{')).body)
})
