import type { LiveEvent, LiveRequest } from '@flushout/core'

type Ready = Extract<LiveEvent, { event: 'ready' }>

/** What a connection for many says first, as each of them is to hear it: with its own name. */
export function ownReady(
  { heartbeatMs, peer, peers = [] }: Ready,
  { presence, peers: others = [] }: LiveRequest,
  own: LiveRequest,
): Ready {
  const token = own.presence?.token
  const at = others.findIndex((other) => other.token === token)
  const name = presence?.token === token ? peer : peers[at]
  return { event: 'ready', heartbeatMs, ...(token !== undefined && name && { peer: name }) }
}
