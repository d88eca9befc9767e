import { hash } from 'node:crypto'
import type { Environment } from './environment.ts'

/**
 * 128 bits of SHA-256 in 22 characters. It ties a history together and tells one
 * flush from another; it goes with every answer, so it is kept short.
 */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}

/**
 * Where the history of a new model begins: different each time, so that a model
 * which was deleted and made again is not taken for the old one.
 */
export function createGenesisHash({ fillRandom }: Pick<Environment, 'fillRandom'>): string {
  const bytes = Buffer.alloc(16)
  fillRandom(bytes)
  return bytes.toString('base64url')
}
