import type { Locator, Page } from 'playwright-core'
import { eventually } from './eventually.ts'

/** What a user does and sees in one of the two clients of a page. */
export class Panel {
  readonly root: Locator
  readonly newTodo: Locator
  /** What the person here is called. */
  readonly name: Locator
  readonly offline: Locator
  readonly autoFlush: Locator
  readonly flush: Locator
  /** What was refused, with its text. */
  readonly lost: Locator

  constructor(page: Page, name: 'A' | 'B') {
    this.root = page.getByRole('region', { name: `Client ${name}` })
    this.newTodo = this.root.getByLabel('New todo')
    this.name = this.root.getByLabel('You are')
    this.offline = this.root.getByRole('switch', { name: 'Offline' })
    this.autoFlush = this.root.getByRole('switch', { name: 'Auto flush' })
    this.flush = this.root.getByRole('button', { name: 'Flush', exact: true })
    this.lost = this.root.locator('.lost')
  }

  async add(...texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      await this.newTodo.fill(text)
      await this.newTodo.press('Enter')
    }
  }

  async openEditor(text: string): Promise<Locator> {
    await this.root.getByRole('button', { name: `Edit ${text}`, exact: true }).click()
    return this.editor(text)
  }

  editor(text: string): Locator {
    return this.root.getByRole('textbox', { name: `Text of ${text}`, exact: true })
  }

  async edit(text: string, next: string): Promise<void> {
    const editor = await this.openEditor(text)
    await editor.fill(next)
    await editor.press('Enter')
  }

  tick(text: string): Locator {
    return this.root.getByRole('checkbox', { name: `Done: ${text}`, exact: true })
  }

  async delete(text: string): Promise<void> {
    await this.root.getByRole('button', { name: `Delete ${text}`, exact: true }).click()
  }

  text(text: string): Locator {
    return this.root.locator('.text').getByText(text, { exact: true })
  }

  button(name: string): Locator {
    return this.root.getByRole('button', { name, exact: true })
  }

  async shows(...texts: readonly string[]): Promise<void> {
    await eventually(() => this.texts(), texts)
  }

  /** The texts as they stand; `✓` marks those ticked off. */
  texts(): Promise<string[]> {
    // In one go: rows come and go between two calls to the browser.
    return this.root.locator('.row').evaluateAll((rows) =>
      rows.map((row) => {
        const isDone = row.querySelector('input')?.checked
        return `${isDone ? '✓ ' : ''}${row.querySelector('.text')?.textContent}`
      }),
    )
  }

  async counts(expected: {
    queued?: number
    inFlight?: number
    confirmed?: number
  }): Promise<void> {
    const keys = { queued: 'queued', inFlight: 'in flight', confirmed: 'confirmed' } as const
    for (const [key, count] of Object.entries(expected)) {
      const counter = this.root.locator(`[data-counter="${keys[key as keyof typeof keys]}"]`)
      await eventually(() => counter.innerText(), String(count))
    }
  }

  /** When the todos were made, as it is written beside them. */
  created(): Promise<string[]> {
    return this.root.locator('.created').allInnerTexts()
  }

  /** Wait until exactly these are shown as being here too, in any order. */
  async isWith(...names: readonly string[]): Promise<void> {
    const chips = this.root.locator('.chip .visually-hidden')
    await eventually(async () => (await chips.allInnerTexts()).toSorted(), names.toSorted())
  }

  /** Wait until exactly this is said of who else writes where. */
  async tellsWriters(...texts: readonly string[]): Promise<void> {
    await eventually(() => this.root.locator('.writers').allInnerTexts(), texts)
  }

  /** Wait until this is said of the connection. */
  async isConnected(text: string | RegExp): Promise<void> {
    await this.root.locator('.connection').filter({ hasText: text }).waitFor()
  }

  /** Wait until everything done here is confirmed. */
  async isSaved(): Promise<void> {
    await this.counts({ queued: 0, inFlight: 0 })
  }

  async announces(text: string | RegExp): Promise<void> {
    await this.root
      .getByRole('status')
      .filter({ hasText: text })
      .first()
      .waitFor({ state: 'attached' })
  }
}
