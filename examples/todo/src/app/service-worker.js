// Loads the app where the network does not. Before this file the build puts
//
//   const PAGE = '/assets/page-….html'     the page, under a name of its own
//   const FILES = ['/assets/…', …]         all that it needs, itself included
//
// Names change with contents, so whatever is kept never has to be asked for again.
const CACHE = `app ${PAGE}`
/** How long the network may take before the page comes from the device. */
const PATIENCE_MS = 3_000

self.addEventListener('install', (event) => event.waitUntil(keepFiles()))
self.addEventListener('activate', (event) => event.waitUntil(takeOver()))
self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url)
  if (origin !== location.origin || event.request.method !== 'GET') return
  if (pathname === '/' || pathname.startsWith('/lists/')) event.respondWith(openPage(event.request))
  if (pathname.startsWith('/assets/')) event.respondWith(readFile(event.request))
  // Nothing else is looked at: what models hold is kept by the client.
})

/** All or none: a file that is missing leaves the build before in charge. */
async function keepFiles() {
  const cache = await caches.open(CACHE)
  await cache.addAll(FILES)
  await self.skipWaiting()
}

async function takeOver() {
  const builds = (await caches.keys()).filter((name) => name.startsWith('app '))
  // Pages that are open may still need files of the build before.
  for (const name of builds.slice(0, -2)) await caches.delete(name)
  // Pages of the first visit, too, get from here what they load later.
  await self.clients.claim()
}

/** From the network, so that a new build shows at once; if that does not answer, as it was. */
async function openPage(request) {
  const network = fetch(request)
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
  const answer = await Promise.race([network, late]).catch(() => undefined)
  // From 500 on it is somebody before the server who cannot reach it.
  if (answer && answer.status < 500) return answer
  return (await findKept(PAGE)) ?? network
}

async function readFile(request) {
  return (await findKept(request)) ?? fetch(request)
}

function findKept(request) {
  // A device that cannot read what it keeps is one that keeps nothing.
  return caches.match(request).catch(() => undefined)
}
