import type { Rules } from './intercept.ts'
import type { User } from './interceptor.ts'
import type { ProxyOptions } from './proxy-options.ts'
import { createRandom } from './random.ts'

type RuleOptions<U extends User> = Pick<
  ProxyOptions<U>,
  'interceptors' | 'commands' | 'user' | 'now'
>

/**
 * The rules of a proxy for one of its commands: the same each time that it is put on,
 * whatever page it is in by then.
 */
export function rulesOfProxy<U extends User>(
  { interceptors = [], commands, user, now }: RuleOptions<U>,
  clientId: string,
  serial: number,
): Rules<U> {
  const name = `${clientId}:${serial}`
  let made = 0
  return {
    interceptors,
    commands,
    context: { side: 'proxy', user, now: now(), random: createRandom(name) },
    createId: () => `${name}:${(made += 1)}`,
  }
}
