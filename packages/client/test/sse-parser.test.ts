import { describe, expect, test } from 'vitest'
import { SseParser } from '../src/sse-parser.ts'

/** What a parser makes of these bytes, given in pieces that end at `cuts`. */
function parse(text: string, ...cuts: readonly number[]): (string | number)[] {
  const bytes = new TextEncoder().encode(text)
  const found: (string | number)[] = []
  const parser = new SseParser({
    onData: (data) => found.push(data),
    onRetry: (retryMs) => found.push(retryMs),
  })
  const ends = [...cuts, bytes.length]
  ends.forEach((end, index) => parser.push(bytes.subarray(ends[index - 1] ?? 0, end)))
  return found
}

describe('a stream of events', () => {
  test.each([
    ['line feeds', 'data: a\n\ndata: b\n\n', ['a', 'b']],
    ['returns', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['both', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['all sorts of ends', 'data: a\r\n\ndata: b\r\r\ndata: c\n\r', ['a', 'b', 'c']],
    ['data in several lines', 'data: a\ndata:\ndata:  b\n\n', ['a\n\n b']],
    ['a field without a colon', 'data\n\n', ['']],
    ['a colon in the data', 'data: {"a":1}\n\n', ['{"a":1}']],
    ['data without a space', 'data:a\n\n', ['a']],
    ['comments', ': hello\n:\ndata: a\n: in between\n\n:\n\n', ['a']],
    ['other fields', 'event: x\nid: 7\ndata: a\ndatum: b\n\n', ['a']],
    ['an event without data', 'id: 7\n\nevent: x\n\n', []],
    ['a byte order mark', '\uFEFFdata: a\n\n', ['a']],
    ['a pause', 'retry: 1500\nretry: soon\nretry: -1\n\n', [1500]],
    ['an end in the middle of an event', 'data: a\n\ndata: b\n', ['a']],
    ['lines that are none to others', 'data: a\u2028b\u0085c\n\n', ['a\u2028b\u0085c']],
  ])('with %s', (_title, text, expected) => {
    expect(parse(text)).toEqual(expected)
  })

  test('is the same wherever it was cut', () => {
    const text =
      '\uFEFFretry: 9\r\n\r\n: ä\r\ndata: {"text":"日本 👩‍👩‍👧"}\r\ndata: \r\n\r\ndata: b\r\r'
    const expected = [9, '{"text":"日本 👩‍👩‍👧"}\n', 'b']
    const { length } = new TextEncoder().encode(text)
    for (let cut = 0; cut <= length; cut += 1) expect(parse(text, cut)).toEqual(expected)
    expect(parse(text, ...Array.from({ length }, (_, index) => index))).toEqual(expected)
  })

  test('with an event without end is given up', () => {
    const parser = new SseParser({ onData: () => {}, onRetry: () => {} })
    const line = new TextEncoder().encode(`data: ${'x'.repeat(65_530)}`)
    const pushAll = () => {
      for (let count = 0; count < 20; count += 1) parser.push(line)
    }
    expect(pushAll).toThrow(expect.objectContaining({ code: 'ANSWER_INVALID' }))
    const lines = new SseParser({ onData: () => {}, onRetry: () => {} })
    const pushLines = () => {
      for (let count = 0; count < 20; count += 1) {
        lines.push(line)
        lines.push(new Uint8Array([10]))
      }
    }
    expect(pushLines).toThrow(expect.objectContaining({ code: 'ANSWER_INVALID' }))
  })
})
