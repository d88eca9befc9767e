import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Circumstances } from './machine.ts'
import type { Section } from './section.ts'

/** What a benchmark measured, where and when. */
export interface Result extends Circumstances {
  readonly name: string
  readonly sections: readonly Section[]
}

const FOLDER = new URL('../../results/', import.meta.url)

/** The figures that the documents show: the last run of each benchmark that was published. */
export function readResults(): Result[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'))
  return names.map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Result)
}

export function writeResult(result: Result): void {
  const file = new URL(`${result.name}.json`, FOLDER)
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`)
}
