import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { catalogue } from './catalogue.ts'
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
  const files = Object.keys(catalogue).map(fileOf)
  return files
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Result)
}

export function writeResult(result: Result): void {
  writeFileSync(fileOf(result.name), `${JSON.stringify(result, undefined, 2)}\n`)
}

function fileOf(name: string): URL {
  return new URL(`${name}.json`, FOLDER)
}
