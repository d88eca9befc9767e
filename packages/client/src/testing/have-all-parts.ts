import { livePart } from '../live-part.ts'
import * as live from '../live.ts'
import { tabPart } from '../tabs/tab-part.ts'
import * as tab from '../tabs/tab.ts'

/**
 * Have at once what pages fetch when they need it first: a clock that stands still would not
 * wait for it. `createTestEnvironment` does so, too.
 */
export function haveAllParts(): void {
  livePart.code = live
  tabPart.code = tab
}
