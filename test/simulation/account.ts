/** The login of a browser, which all its pages share. */
export class Account {
  /** Since when the session is not valid any more. */
  loggedOutAt: number | undefined

  get isLoggedIn(): boolean {
    return this.loggedOutAt === undefined
  }
}
