import type { Page, Request } from 'playwright-core'
import { describe, expect } from 'vitest'
import { eventually } from './support/eventually.ts'
import type { Panel } from './support/panel.ts'
import type { WorldTest } from './support/world.ts'

/** What the app promises, whatever the server keeps its lists in. */
export function todoStories(test: WorldTest): void {
  describe.concurrent('two clients side by side', () => {
    test('what one adds, edits, ticks off and deletes, the other shows too', async ({ world }) => {
      const { a, b } = await world.open()
      await a.add('Milk', 'Bread')
      await b.shows('Milk', 'Bread')
      await b.edit('Milk', 'Oat milk')
      await a.shows('Oat milk', 'Bread')
      await a.tick('Bread').check()
      await b.shows('Oat milk', '✓ Bread')
      await b.tick('Bread').uncheck()
      await a.shows('Oat milk', 'Bread')
      await a.delete('Oat milk')
      await b.shows('Bread')
    })

    test('todos stand in order of creation, whoever made them', async ({ world }) => {
      const { page, a, b } = await world.open()
      await a.add('one')
      await b.shows('one')
      await b.add('two')
      await a.shows('one', 'two')
      await a.offline.check()
      await a.add('four')
      await b.add('three')
      await b.isSaved()
      await a.offline.uncheck()
      await b.shows('one', 'two', 'three', 'four')
      await a.shows('one', 'two', 'three', 'four')
      await page.reload()
      await a.shows('one', 'two', 'three', 'four')
    })

    test('a todo counts as not yet saved until the master has set its time', async ({ world }) => {
      const { page, a, b } = await world.open()
      await a.offline.check()
      await a.add('Milk')
      expect(await a.created()).toEqual(['not yet saved'])
      await a.offline.uncheck()
      await eventually(() => a.created(), [expect.stringMatching(/^\d\d:\d\d$/)])
      await b.shows('Milk')
      expect(await b.created()).toEqual(await a.created())
      const time = page.locator('time').first()
      const model = await world.client()
      const [todo] = Object.values(model.read()!.todos)
      expect(Date.parse((await time.getAttribute('datetime'))!)).toBe(todo!.createdAt)
    })

    test('Ctrl+Z takes back what was done here, and leaves what the other changed', async ({
      world,
    }) => {
      const { a, b } = await world.open()
      await a.add('Milk', 'Bread')
      await b.shows('Milk', 'Bread')
      await a.delete('Milk')
      await b.shows('Bread')
      await a.button('Delete Bread').press('Control+z')
      await a.shows('Milk', 'Bread')
      await b.shows('Milk', 'Bread')
      await a.announces('Undo: Delete a todo')
      await a.button('Delete Bread').press('Control+Shift+Z')
      await b.shows('Bread')
      await a.button('Undo: Delete a todo').click()
      await b.shows('Milk', 'Bread')
      await b.edit('Bread', 'Rye bread')
      await a.shows('Milk', 'Rye bread')
      await a.button('Undo: Add Bread').click()
      await a.announces(/^Undo: Add Bread only where nobody else/)
      await a.newTodo.press('Control+z')
      await b.shows('Rye bread')
      await a.shows('Rye bread')
      await a.button('Redo: Add Milk').click()
      await b.shows('Milk', 'Rye bread')
      await b.isSaved()
    })

    test('after a reload Ctrl+Z takes back what was done before it', async ({ world }) => {
      const { page, a, b } = await world.open()
      await a.add('Milk', 'Bread')
      await b.add('Eggs')
      await a.shows('Milk', 'Bread', 'Eggs')
      await a.offline.check()
      await a.delete('Milk')
      await page.reload()
      await a.shows('Bread', 'Eggs')
      await a.newTodo.press('Control+z')
      await a.shows('Milk', 'Bread', 'Eggs')
      await a.announces('Undo: Delete a todo')
      await a.button('Undo: Add Bread').click()
      await b.shows('Milk', 'Eggs')
      await page.reload()
      await a.button('Redo: Add Bread').click()
      await a.shows('Milk', 'Bread', 'Eggs')
      await b.shows('Milk', 'Bread', 'Eggs')
      await b.newTodo.press('Control+z')
      await a.shows('Milk', 'Bread')
    })

    test('double click edits, Escape restores, Enter saves', async ({ world }) => {
      const { a, b } = await world.open()
      await a.add('Milk')
      await a.text('Milk').dblclick()
      await a.editor('Milk').fill('Cream')
      await a.editor('Milk').press('Escape')
      await a.shows('Milk')
      await a.counts({ confirmed: 1 })
      await a.text('Milk').dblclick()
      await a.editor('Milk').fill('  Cream ')
      await a.editor('Milk').press('Enter')
      await a.shows('Cream')
      await b.shows('Cream')
    })
  })

  describe.concurrent('when it flushes', () => {
    test('without auto flush, edits are counted and wait for the button', async ({ world }) => {
      const { a, b } = await world.open()
      await a.autoFlush.uncheck()
      await a.add('Milk', 'Bread')
      await a.tick('Milk').check()
      await a.counts({ queued: 3, inFlight: 0, confirmed: 0 })
      await a.announces('3 changes to flush')
      await b.add('Eggs')
      await b.isSaved()
      await b.shows('Eggs')
      await a.flush.click()
      await a.counts({ queued: 0, inFlight: 0, confirmed: 4 })
      await a.shows('Eggs', '✓ Milk', 'Bread')
      await b.shows('Eggs', '✓ Milk', 'Bread')
    })

    test('Flush pressed twice at once sends each edit once', async ({ world }) => {
      const { page, a, b } = await world.open()
      await a.autoFlush.uncheck()
      await a.add('Milk', 'Bread')
      const sent = watchCommands(page)
      await a.flush.dblclick()
      await a.counts({ queued: 0, inFlight: 0, confirmed: 2 })
      await b.shows('Milk', 'Bread')
      expect(sent).toEqual(['create Milk', 'create Bread'])
    })

    test('edits made offline stay, and go out once when it is over', async ({ world }) => {
      const { page, a, b } = await world.open()
      await a.add('Milk')
      await b.shows('Milk')
      await a.offline.check()
      await a.announces('Offline')
      const sent = watchCommands(page)
      await a.edit('Milk', 'Oat milk')
      await a.add('Bread')
      await a.tick('Bread').check()
      await a.counts({ queued: 3, inFlight: 0, confirmed: 1 })
      await a.announces('Offline, 3 changes kept here')
      expect(sent).toEqual([])
      await b.shows('Milk')
      await a.offline.uncheck()
      await a.counts({ queued: 0, inFlight: 0, confirmed: 4 })
      await b.shows('Oat milk', '✓ Bread')
      expect(sent).toEqual(['update Oat milk', 'create Bread', 'update true'])
    })

    test('a failed flush is sent again by itself, and what came after it too', async ({
      world,
    }) => {
      world.expectOutage()
      const { page, a, b } = await world.open()
      let failures = 0
      await page.route('**/flush', async (route) => {
        if (commandsOf(route.request()).length === 0 || failures === 2) return route.continue()
        failures += 1
        await route.abort()
      })
      await a.add('Milk')
      await a.announces('Offline, 1 change kept here')
      await a.add('Bread')
      await b.shows('Milk', 'Bread')
      await a.counts({ queued: 0, inFlight: 0, confirmed: 2 })
      expect(failures).toBe(2)
    })

    test('a flush whose answer is lost takes effect once', async ({ world }) => {
      world.expectOutage()
      const { page, a, b } = await world.open()
      let lost = 0
      await page.route('**/flush', async (route) => {
        if (commandsOf(route.request()).length === 0 || lost === 1) return route.continue()
        lost += 1
        await route.fetch()
        await route.abort()
      })
      await a.add('Milk')
      await a.counts({ queued: 0, inFlight: 0, confirmed: 1 })
      expect(lost).toBe(1)
      await a.shows('Milk')
      await b.shows('Milk')
    })
  })

  describe.concurrent('while somebody types', () => {
    test('news from others leave the draft and the cursor alone', async ({ world }) => {
      const { a, b } = await world.open()
      await a.add('Milk', 'Bread')
      await b.shows('Milk', 'Bread')
      await b.newTodo.fill('half a thou')
      const draft = await b.openEditor('Milk')
      await draft.fill('Oat milk')
      const model = await world.client()
      const [milk = '', bread = ''] = model.keys(['todos'])
      model.update(['todos', milk], { text: 'Cream', done: true })
      model.delete(['todos', bread])
      model.create(['todos'], { text: 'Eggs', done: false })
      await b.shows('Eggs')
      await b.root.getByText('Changed elsewhere meanwhile: “Cream”').waitFor()
      expect(await draft.inputValue()).toBe('Oat milk')
      expect(await b.newTodo.inputValue()).toBe('half a thou')
      expect(await draft.evaluate((field) => field === document.activeElement)).toBe(true)
      await draft.press('Enter')
      await a.shows('✓ Oat milk', 'Eggs')
      await b.shows('✓ Oat milk', 'Eggs')
    })

    test('a text left as it was does not undo what others wrote', async ({ world }) => {
      const { a, b } = await world.open()
      await a.add('Milk')
      await b.shows('Milk')
      const draft = await b.openEditor('Milk')
      await a.edit('Milk', 'Cream')
      await b.root.getByText('Changed elsewhere').waitFor()
      await draft.press('Enter')
      await b.shows('Cream')
      await b.isSaved()
      await a.shows('Cream')
    })

    test('a todo deleted elsewhere can be saved as a new one', async ({ world }) => {
      const { a, b } = await world.open()
      await a.add('Milk', 'Bread')
      await b.shows('Milk', 'Bread')
      const draft = await b.openEditor('Milk')
      await draft.fill('Oat milk')
      await a.delete('Milk')
      await b.root.getByText('Deleted elsewhere meanwhile').waitFor()
      expect(await draft.inputValue()).toBe('Oat milk')
      await draft.press('Enter')
      await b.shows('Bread', 'Oat milk')
      await a.shows('Bread', 'Oat milk')
    })
  })

  describe.concurrent('what is refused', () => {
    test('a text that is too long stays in its field, with the reason', async ({ world }) => {
      const { a } = await world.open()
      const long = 'x'.repeat(501)
      await a.add('Milk')
      await a.add(long)
      await a.root.getByText('At most 500 characters; these are 501.').waitFor()
      expect(await a.newTodo.inputValue()).toBe(long)
      await a.newTodo.fill(long.slice(1))
      await a.newTodo.press('Enter')
      await a.shows('Milk', long.slice(1))
      const editor = await a.openEditor('Milk')
      await editor.fill(long)
      await editor.press('Enter')
      await a.root.getByText('At most 500 characters; these are 501.').waitFor()
      expect(await editor.inputValue()).toBe(long)
      await editor.fill(' ')
      await editor.press('Enter')
      await a.root.getByText('Write something first.').waitFor()
      await editor.press('Escape')
      await a.shows('Milk', long.slice(1))
    })

    test('the 101st todo keeps its text in the list until it can be added', async ({ world }) => {
      const model = await world.client()
      const texts = Array.from({ length: 99 }, (_, index) => `todo ${index + 1}`)
      for (const text of texts) model.create(['todos'], { text, done: false })
      await model.flush()
      const { a, b } = await world.open()
      await a.offline.check()
      await a.add('from A')
      await b.add('from B')
      await b.isSaved()
      await a.tick('from A').check()
      await a.offline.uncheck()
      await a.lost.waitFor()
      await a.shows(...texts, 'from B')
      expect(await a.lost.innerText()).toContain('A list holds at most 100 todos.')
      expect(await a.lost.getByRole('blockquote').innerText()).toBe('from A')
      await a.button('Try again').click()
      await eventually(() => a.lost.getByRole('blockquote').allInnerTexts(), ['from A'])
      await a.delete('todo 1')
      await a.isSaved()
      await a.button('Try again').click()
      await a.shows(...texts.slice(1), 'from B', '✓ from A')
      await b.shows(...texts.slice(1), 'from B', '✓ from A')
      await a.lost.waitFor({ state: 'detached' })
    })

    test('an edit of a todo that was deleted elsewhere keeps its text until it is dismissed', async ({
      world,
    }) => {
      const { a, b } = await world.open()
      await a.add('Milk', 'Bread')
      await b.shows('Milk', 'Bread')
      await a.offline.check()
      await a.edit('Milk', 'Oat milk')
      await b.delete('Milk')
      await b.isSaved()
      await a.offline.uncheck()
      await a.lost.getByText('Oat milk').waitFor()
      expect(await a.lost.innerText()).toContain('This todo was deleted elsewhere.')
      await a.button('Dismiss').click()
      await a.shows('Bread')
      await a.lost.waitFor({ state: 'detached' })
    })

    test('a message that breaks the rules leaves the list as it is', async ({ world }) => {
      const { a } = await world.open()
      await a.add('Milk')
      await a.isSaved()
      // A client of somebody who has not our rules.
      const model = await world.client()
      const [id = ''] = model.keys(['todos'])
      const receipts = [
        model.create(['todos'], { text: '', done: false }),
        model.create(['todos'], { text: 'Bread', done: false, createdAt: Date.now() * 2 }),
        model.update(['todos', id], { text: 'x'.repeat(501) }),
        model.apply({ action: 'update', path: ['todos', id], unset: ['text'] }),
        model.apply({ action: 'update', path: [], props: { todos: 1 } }),
        model.apply({ action: 'create', path: [], id: 'other' }),
        model.apply({ action: 'delete', path: ['todos'] }),
      ]
      await model.flush()
      const outcomes = await Promise.all(receipts.map((receipt) => receipt.verdict))
      expect(outcomes.map(({ kind }) => kind)).toEqual(receipts.map(() => 'rejected'))
      await a.shows('Milk')
    })
  })

  describe.concurrent('two browsers', () => {
    test('edit one list by its address and end equal', async ({ world }) => {
      const [one, two] = await Promise.all([world.open(), world.open()])
      await one.a.add('Milk')
      await two.b.shows('Milk')
      await one.b.offline.check()
      await two.a.offline.check()
      await one.b.add('Bread')
      await two.a.edit('Milk', 'Oat milk')
      await two.a.add('Eggs')
      await one.a.tick('Milk').check()
      await one.b.offline.uncheck()
      await two.a.offline.uncheck()
      await Promise.all([one.b.isSaved(), two.a.isSaved()])
      const model = await world.client()
      const texts = Object.values(model.read()!.todos).map(({ text }) => text)
      expect(texts.toSorted()).toEqual(['Bread', 'Eggs', 'Oat milk'])
      // Which of the new ones came first is for the master to say.
      const inOrder = await settledTexts(one.a, 3)
      expect(inOrder[0]).toBe('✓ Oat milk')
      for (const panel of [one.b, two.a, two.b]) await panel.shows(...inOrder)
    })

    test('another list is another list', async ({ world }) => {
      const { page, a } = await world.open()
      await a.add('Milk')
      await a.isSaved()
      await page.getByRole('link', { name: 'New list' }).click()
      await page.waitForURL(/\/lists\/list-[0-9a-f]{8}$/)
      await a.newTodo.waitFor()
      await a.shows()
      await page.goBack()
      await a.shows('Milk')
    })
  })
}

/** The texts, once there are `count` of them and all are saved. */
async function settledTexts(panel: Panel, count: number): Promise<string[]> {
  await eventually(() => panel.root.locator('time').count(), count)
  return panel.texts()
}

/** Collects the commands that the page sends from now on, as `create Milk`. */
function watchCommands(page: Page): string[] {
  const sent: string[] = []
  page.on('request', (request) => {
    for (const { action, props } of commandsOf(request)) {
      sent.push(`${action} ${props?.text ?? props?.done}`)
    }
  })
  return sent
}

function commandsOf(
  request: Request,
): { action: string; props?: { text?: string; done?: boolean } }[] {
  if (!request.url().endsWith('/flush')) return []
  return request.postDataJSON().commands
}
