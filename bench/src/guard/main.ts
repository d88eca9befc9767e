// `npm run check:performance`: whether the cost still grows as it did. No time is looked at,
// only how two things compare that take turns on this machine, and each bound is so wide
// that only another order of growth goes beyond it. Figures are for `npm run bench`.
import { formatGoal } from '../harness/format.ts'
import { isKept } from '../harness/section.ts'
import { compareOnClient } from './client.ts'
import { compareOnServer } from './server.ts'

const goals = [...(await compareOnClient()), ...(await compareOnServer())]
for (const goal of goals) console.log(formatGoal(goal))
process.exit(goals.every(isKept) ? 0 : 1)
