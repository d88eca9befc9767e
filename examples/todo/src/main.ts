// What `npm start` runs: Postgres, the server and the app at one address.
import { memoryStore, postgresStore } from '@flushout/server'
import { createServer as createSocket } from 'node:net'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { startEmbeddedPostgres } from './server/embedded-postgres.ts'
import { Problem } from './server/problem.ts'
import { createServer } from './server/server.ts'

const HOST = '127.0.0.1'
const appFolder = fileURLToPath(new URL('../dist/app', import.meta.url))
const dataFolder = process.env.DATA_DIR ?? fileURLToPath(new URL('../.data', import.meta.url))
const { DATABASE_URL } = process.env

// What runs, to be stopped in reverse.
const running = new AsyncDisposableStack()

async function start(): Promise<void> {
  const port = readPort(process.env.PORT ?? '3000')
  await claim(port)
  const built = buildApp()
  built.catch(() => {})
  const store = await openStore()
  await built
  const server = createServer(store, appFolder)
  running.defer(() => server.close())
  try {
    await server.ready()
  } catch (cause) {
    throw DATABASE_URL ? toDatabaseProblem(DATABASE_URL, cause) : cause
  }
  const address = await server.listen({ port, host: HOST }).catch((error: unknown) => {
    throw toPortProblem(port, error)
  })
  const where = DATABASE_URL ? describePlace(DATABASE_URL) : relative('.', dataFolder) || '.'
  console.log(`\n  The todo app runs at ${address}\n  Its data are in ${where}. Ctrl-C stops it.\n`)
}

async function openStore() {
  if (DATABASE_URL === 'memory:') return memoryStore()
  if (DATABASE_URL) return postgresStore({ connectionString: DATABASE_URL })
  const postgres = await startEmbeddedPostgres(dataFolder)
  running.defer(() => postgres.stop())
  return postgresStore({ connectionString: postgres.connectionString })
}

async function buildApp(): Promise<void> {
  const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url))
  // A page that is open somewhere may still need the files of an older build.
  await build({
    configFile,
    configLoader: 'native',
    logLevel: 'warn',
    build: { outDir: appFolder, emptyOutDir: false },
  })
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port < 65_536) return port
  throw new Problem(`PORT is "${text}"; it must be a number from 0 to 65535.`)
}

/** Find out whether the port is free before anything else is started. */
async function claim(port: number): Promise<void> {
  const socket = createSocket()
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => reject(toPortProblem(port, error)))
    socket.listen(port, HOST, () => socket.close(() => resolve()))
  })
}

function toPortProblem(port: number, error: unknown): unknown {
  const { code } = error as { code?: string }
  if (code === 'EADDRINUSE') {
    return new Problem(`Port ${port} is taken. Choose another: PORT=${port + 1} npm start`)
  }
  if (code === 'EACCES')
    return new Problem(`Port ${port} is not for this user. Choose one above 1023.`)
  return error
}

function toDatabaseProblem(url: string, cause: unknown): Problem {
  // A host with several addresses gives one error for each, and no message.
  const [first = cause] = cause instanceof AggregateError ? (cause.errors as unknown[]) : []
  const why = (first as Error).message
  return new Problem(`The database at ${describePlace(url)} cannot be used: ${why}`, { cause })
}

/** Where a database is, without its password; and where it is no URL, without any of it. */
function describePlace(url: string): string {
  if (url === 'memory:') return 'memory only'
  return URL.canParse(url) ? new URL(url).host : 'DATABASE_URL'
}

let isStopping = false
async function stop(exitCode: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  // What is starting up has to be up before it can be stopped.
  await started.catch(() => {})
  await running.disposeAsync().catch((error: unknown) => report(error))
  process.exit(exitCode)
}

function report(error: unknown): void {
  console.error(error instanceof Problem ? error.message : error)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0))
const started = start()
started.catch((error: unknown) => {
  report(error)
  void stop(1)
})
