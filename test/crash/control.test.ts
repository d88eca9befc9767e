// A test that finds nothing must be able to find something: the same kills, with
// a Postgres that acknowledges what it may lose.
import { expect, test } from 'vitest'
import { runOn } from '../support/postgres.ts'
import { runCycle } from './cycles.ts'
import { LoadedSite } from './loaded-site.ts'

const KILLS = 6

test('with synchronous_commit off, a killed Postgres loses flushes, and the audit says so', async () => {
  const site = await LoadedSite.start({ seed: 1, isForgetful: true })
  try {
    // Else there would be no tables after the first kill.
    await runOn(site.site.postgres.url, 'checkpoint')
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const strike = { target: 'postgres', delayMs: 20 * kill } as const
      const { findings } = await runCycle(site, kill, strike)
      const lost = findings.filter((finding) => finding.endsWith('and is lost'))
      if (lost.length === 0) continue
      expect(lost[0]).toMatch(
        /^todos:.: flush \d+ of client \w+ was acknowledged at \d+, and is lost$/,
      )
      // The authors of the edits that were in them miss them as well.
      expect(findings.join('\n')).toMatch(
        /: \d+ edits were told to be applied, the history has \d+/,
      )
      return
    }
    throw new Error(`This run cannot see losses: ${KILLS} kills of Postgres lost nothing.`)
  } finally {
    await site.stop()
  }
}, 120_000)
