import type { Command, FlushAnswer } from '@flushout/core'
import { Writer } from './world.ts'

/** A writer whose page knows some version. */
export class VersionedWriter extends Writer {
  schema = 1
  readerSchema = 1

  /** Know this version from now on. */
  knows(version: number): this {
    this.schema = version
    this.readerSchema = version
    return this
  }

  override flush(...commands: Command[]): Promise<FlushAnswer> {
    const { schema, readerSchema } = this
    return this.send({ ...this.next(commands), schema, readerSchema })
  }
}
