/** What may go wrong where a device keeps things, and pages share it. */
const DEVICE_FAULTS = {
  // A page.
  'page dies before a write': { odds: 0.02 },
  'page dies after a write': { odds: 0.02 },
  'page dies as it reads its disk': { odds: 0.06 },
  'page dies after it sent': { odds: 0.02 },
  'page is loaded again': { count: 2 },
  'tab is duplicated': { count: 1 },
  // All pages of a browser.
  'gateway dies': { count: 1 },
  'gateway sleeps': { count: 1 },
  'browser dies': { count: 1 },
  // What is kept.
  'disk slow': { odds: 0.06 },
  'disk stands still': { count: 1 },
  'disk refuses writes': { count: 1 },
  'profile put back': { count: 1 },
  'profile is cloned': { count: 1 },
} as const

/**
 * Everything that may go wrong in a run. Those with odds strike now and then
 * where they can; those with a count happen so often at most in a run that has them.
 */
const FAULTS = {
  // A message between a client and a server.
  'request lost': { odds: 0.06 },
  'answer lost': { odds: 0.06 },
  'request repeated': { odds: 0.08 },
  'message slow': { odds: 0.1 },
  'request arrives after its time-out': { odds: 0.03 },
  'answer garbled': { odds: 0.04 },
  'answer of another exchange': { odds: 0.03 },
  'gateway refuses': { odds: 0.04 },
  'client cut off': { count: 2 },
  'answers cut off': { count: 2 },
  // What a client hears by itself.
  'event lost': { odds: 0.04 },
  'event repeated': { odds: 0.06 },
  'event late': { odds: 0.06 },
  'events out of order': { odds: 0.06 },
  'reader slow': { odds: 0.06 },
  'stream cut': { count: 2 },
  'stream cut silently': { count: 2 },
  'streams blocked': { count: 1 },
  // A client.
  'client dies': { count: 2 },
  'client sleeps': { count: 1 },
  'client is cloned': { count: 1 },
  'client clock jumps': { count: 1 },
  // A server.
  'server dies': { count: 2 },
  'server dies before its commit': { odds: 0.01 },
  'server dies after its commit': { odds: 0.01 },
  'server dies before its answer': { odds: 0.01 },
  'server dies in a transaction': { odds: 0.05 },
  'server dies at a checkpoint': { odds: 0.05 },
  'server dies at a trim': { odds: 0.05 },
  'server stands still': { count: 2 },
  'server shuts down': { count: 1 },
  'server clock jumps': { count: 1 },
  // What servers tell each other.
  'notice lost': { odds: 0.15 },
  'notice repeated': { odds: 0.1 },
  'notice late': { odds: 0.1 },
  'notices out of order': { odds: 0.1 },
  'notices stop': { count: 2 },
  // The way from a server to the database.
  'race lost': { odds: 0.05 },
  'statement fails': { odds: 0.04 },
  'commit lands, answer lost': { odds: 0.04 },
  'commit lands late': { odds: 0.03 },
  'statement slow': { odds: 0.06 },
  'database down': { count: 1 },
  // The database.
  'database put back': { count: 1 },
  'database loses its tail': { count: 1 },
  'model made anew': { count: 1 },
  // Permissions.
  'permission revoked': { count: 1 },
  'user logged out': { count: 1 },
  'permissions unknown': { odds: 0.02 },
  ...DEVICE_FAULTS,
} as const satisfies Record<string, { odds: number } | { count: number }>

export type Fault = keyof typeof FAULTS
export type DeviceFault = keyof typeof DEVICE_FAULTS

/** All faults, in the order of the list. */
export const ALL_FAULTS: readonly Fault[] = Object.keys(FAULTS) as Fault[]

export function isDeviceFault(fault: Fault): fault is DeviceFault {
  return fault in DEVICE_FAULTS
}

export function oddsOf(fault: Fault): number {
  const settings = FAULTS[fault]
  return 'odds' in settings ? settings.odds : 0
}

export function countOf(fault: Fault): number {
  const settings = FAULTS[fault]
  return 'count' in settings ? settings.count : 0
}
