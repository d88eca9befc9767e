// What is killed in which cycle.
import { FAILPOINTS, type Failpoint } from '../support/failpoints.ts'
import { createRandom, shuffle, type Random } from './random.ts'

/** One thing that is killed, and when. */
export type Strike =
  | { readonly target: 'postgres'; readonly delayMs: number }
  | {
      readonly target: 'server'
      readonly server: number
      readonly at: 'any' | 'idle'
      readonly delayMs: number
    }
  | {
      readonly target: 'server'
      readonly server: number
      readonly at: Failpoint
      readonly pass: number
    }

/** Servers that work side by side, so that they meet in the database. */
export const SERVERS = 2

/** How many cycles have every failpoint among them. */
export const FULL_ROUND = 25

/**
 * Make a plan of `cycles` strikes. Each round of 25 has every failpoint once, in
 * random order, and kills Postgres at least six times.
 */
export function makePlan(cycles: number, seed: number): Strike[] {
  const random = createRandom(seed)
  const plan: Strike[] = []
  while (plan.length < cycles) plan.push(...makeRound(random))
  return plan.slice(0, cycles)
}

function makeRound(random: Random): Strike[] {
  const delayMs = () => random(150)
  const server = () => random(SERVERS)
  const postgres = (): Strike => ({ target: 'postgres', delayMs: delayMs() })
  const any = (): Strike => ({ target: 'server', server: server(), at: 'any', delayMs: delayMs() })
  const strikes: Strike[] = [
    ...FAILPOINTS.map((at): Strike => ({
      target: 'server',
      server: server(),
      at,
      // A server loads a model once.
      pass: at === 'on-load' ? 1 : 1 + random(6),
    })),
    { target: 'server', server: server(), at: 'idle', delayMs: 0 },
    ...Array.from({ length: 6 }, postgres),
  ]
  while (strikes.length < FULL_ROUND) strikes.push(random(2) === 0 ? any() : postgres())
  return shuffle(strikes, random)
}

/** A strike in words. */
export function describeStrike(strike: Strike): string {
  if (strike.target === 'postgres') return `Postgres at any moment`
  const { server, at } = strike
  if (at === 'any') return `server ${server} at any moment`
  return 'pass' in strike
    ? `server ${server} at ${at}, pass ${strike.pass}`
    : `server ${server} at rest`
}
