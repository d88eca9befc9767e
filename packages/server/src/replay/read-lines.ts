// By line feeds alone: `readline` of Node also splits where a text has U+2028.

/** The lines of a text that comes in pieces. */
export async function* readLines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest: string[] = []
  for await (const piece of pieces) {
    const [first = '', ...lines] = piece.split('\n')
    rest.push(first)
    for (const line of lines) {
      yield rest.join('')
      rest = [line]
    }
  }
  const last = rest.join('')
  if (last !== '') yield last
}
