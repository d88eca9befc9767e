import secureSession from '@fastify/secure-session'
import { createKey, type User } from '@flushout/core'
import { fastifyOptions, flushout, type FlushoutOptions } from '@flushout/server'
import Fastify, { type FastifyInstance } from 'fastify'

/** Yours: passwords are checked and sessions are kept in your own tables. */
export interface Accounts {
  checkPassword(name: string, password: string): Promise<User | undefined>
  beginSession(user: User): Promise<string>
  findUser(session: string): Promise<User | undefined>
  endSession(session: string): Promise<void>
}

declare module '@fastify/secure-session' {
  interface SessionData {
    id: string
  }
}

export async function createApp(
  accounts: Accounts,
  { store, secret }: Pick<FlushoutOptions, 'store'> & { readonly secret: Buffer },
): Promise<FastifyInstance> {
  const app = Fastify(fastifyOptions)
  await app.register(secureSession, {
    key: secret, // 32 random bytes, the same on all servers
    expiry: 7 * 24 * 3600,
    cookie: { path: '/', httpOnly: true, secure: true, sameSite: 'lax' },
  })

  app.post<{ Body: { name: string; password: string } }>('/login', {
    schema: {
      body: {
        type: 'object',
        required: ['name', 'password'],
        properties: { name: { type: 'string' }, password: { type: 'string' } },
      },
    },
    async handler({ body, session }, reply) {
      const user = await accounts.checkPassword(body.name, body.password)
      if (!user) return reply.code(401).send({ message: 'Name or password is wrong.' })
      session.regenerate()
      session.set('id', await accounts.beginSession(user))
      return { id: user.id }
    },
  })

  app.post('/logout', async ({ session }, reply) => {
    const id = session.get('id')
    const user = id && (await accounts.findUser(id))
    if (id) await accounts.endSession(id)
    session.delete()
    // Whoever is connected with it is asked again at once, on all servers.
    if (user) app.flushout.permissionsChanged({ userId: user.id })
    return reply.code(204).send()
  })

  await app.register(flushout, {
    store,
    // Also asked for connections that are open, each heartbeat: a session may end meanwhile.
    async user({ session }) {
      const id = session.get('id')
      return id === undefined ? undefined : accounts.findUser(id)
    },
    authorize: (user, _action, key) => user !== undefined && key === createKey('notes', user.id),
    models: [{ pattern: 'notes:*', initial: { notes: {} } }],
  })
  return app
}
