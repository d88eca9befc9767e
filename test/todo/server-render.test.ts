// A page that a server streams, in a real browser: in the manner of Next.js, with
// React alone.
import { expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import { renderedTest, VILE, type OpenedPage } from './support/rendered-world.ts'

const test = renderedTest()

function textsOf({ page }: OpenedPage, key: string): Promise<string[]> {
  return page.getByRole('region', { name: key }).getByRole('listitem').allTextContents()
}

test('a streamed page shows each part as it comes, works at once, and asks for nothing', async ({
  world,
}) => {
  const opened = await world.open('ada')
  const { page, asked, complaints } = opened
  const mine = page.getByRole('region', { name: 'todos:ada' })
  await mine.waitFor()
  expect(await textsOf(opened, 'todos:ada')).toEqual([`todos:ada ${VILE}`])
  expect(await page.getByText('Loading slow:list').count()).toBe(1)

  // The browser has taken it over although the page is not complete yet.
  await eventually(async () => {
    await mine.getByRole('button').click()
    return (await textsOf(opened, 'todos:ada')).includes('Bread')
  }, true)
  expect(asked.filter((one) => one.startsWith('GET'))).toEqual([])

  world.release()
  await eventually(() => textsOf(opened, 'slow:list'), ['slow Late'])
  await page.waitForLoadState('load')
  await eventually(() => page.locator('script[type="application/json"]').count(), 0)
  expect(await textsOf(opened, 'slow:list')).toEqual(['slow Late'])
  expect(asked.filter((one) => one.startsWith('GET'))).toEqual([])
  expect(await page.title()).toBe('Lists')
  expect(complaints).toEqual([])
  await eventually(() => world.rendering, 0)
})

test('what happens between the rendering and the browser is shown as it comes', async ({
  world,
}) => {
  const opened = await world.open('ada')
  await opened.page.getByRole('region', { name: 'todos:ada' }).waitFor()
  await world.add('ada', 'Tea')
  world.release()
  await eventually(() => textsOf(opened, 'todos:ada'), [`todos:ada ${VILE}`, 'Tea'])
  await world.add('ada', 'Salt')
  await eventually(() => textsOf(opened, 'todos:ada'), [`todos:ada ${VILE}`, 'Tea', 'Salt'])
  expect(opened.asked.filter((one) => one.startsWith('GET'))).toEqual([])
  expect(opened.complaints).toEqual([])
})

test('pages that are rendered at one time hold what their own users may read', async ({
  world,
}) => {
  world.release()
  const users = ['ada', 'bob', 'eve']
  const pages = await Promise.all(users.map((user) => world.fetchPage(user)))
  for (const [index, user] of users.entries()) {
    const others = users.filter((other) => other !== user)
    expect(pages[index]).toContain(`todos:${user}`)
    for (const other of others) expect(pages[index]).not.toContain(other)
  }
})
