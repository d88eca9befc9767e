import { Part } from '../part.ts'

/** What lets a tab work with the others. Until it is here, the tab does without them. */
export const tabPart: Part<typeof import('./tab.ts')> = new Part(() => import('./tab.ts'))
