import { Part } from './part.ts'

/** What keeps a page in step with others. Until it is here, models ask by timer. */
export const livePart: Part<typeof import('./live.ts')> = new Part(() => import('./live.ts'))
