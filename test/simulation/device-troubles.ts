import type { DeviceFault } from './faults.ts'
import type { Person } from './person.ts'
import type { Profile } from './profile.ts'
import type { Stage } from './stage.ts'

/** A stage with whoever keeps things. */
interface Scene extends Stage {
  readonly people: readonly Person[]
  readonly profiles: Profile[]
}

/** Let something happen to what is kept on a device, or to the pages that share it. */
export function strike(fault: DeviceFault, scene: Scene): void {
  const { dice, weather, scheduler } = scene
  const profile = dice.pick(scene.profiles)
  const tabs = scene.people.filter((person) => person.profile === profile)
  const person = dice.pick(tabs)
  const ms = dice.between(100, 3_000)
  if (!person) return
  switch (fault) {
    case 'page is loaded again':
      if (!person.page) return
      person.reload()
      break
    case 'tab is duplicated': {
      const other = findMovable(scene, profile)
      if (!other) return
      other.moveTo(profile)
      break
    }
    case 'gateway dies':
    case 'gateway sleeps': {
      const gateway = tabs.find(({ page }) => page && page === profile.gateway)
      if (!gateway) return
      if (fault === 'gateway dies') gateway.die()
      else gateway.page!.sleep(dice.between(500, 8_000))
      break
    }
    case 'browser dies':
      for (const tab of tabs) tab.die()
      break
    case 'disk stands still':
      profile.drive.standStill(dice.chance(0.2) ? 12_000 : ms)
      break
    case 'disk refuses writes':
      profile.estate.isBranched = true
      profile.drive.refusesUntil = scheduler.now + ms
      break
    case 'profile put back': {
      const rows = profile.drive.copy()
      scheduler.after(ms, () => {
        if (!weather.has(fault)) return
        for (const one of scene.people) if (one.profile === profile) one.die()
        scene.trace(`${profile.name} is put back`)
        weather.note(fault)
        profile.putBack(rows)
      })
      return
    }
    case 'profile is cloned': {
      const other = findMovable(scene, profile)
      if (!other) return
      const clone = profile.clone()
      scene.profiles.push(clone)
      other.moveTo(clone)
      break
    }
    default:
      throw new Error(`${fault} does not come by itself.`)
  }
  weather.note(fault)
}

/** Somebody who uses another profile, which somebody else uses too, or none. */
function findMovable({ people }: Scene, profile: Profile): Person | undefined {
  return people.find((one) => {
    if (one.profile === profile) return false
    return !one.profile || people.some((other) => other !== one && other.profile === one.profile)
  })
}
