import { describe, expect, it } from 'vitest'

import { MalformedVideo, MultipartParser, boundaryOf, type Part } from '../src/multipart'

type Bytes = Uint8Array<ArrayBuffer>

// Bodies that hold all that a careless parser would take for an end.
const BODIES: Bytes[] = [
  Uint8Array.of(0xff, 0xd8, 1, 2, 3, 0xff, 0xd9),
  bytes('\r\n--frame\r\nX-Seq: 9\r\n\r\nno part'),
  new Uint8Array(0),
  Uint8Array.of(13, 10, 13, 10),
]

function bytes(text: string): Bytes {
  return new TextEncoder().encode(text)
}

function joined(...pieces: Bytes[]): Bytes {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]))
}

function part(body: Bytes, seq: number): Bytes {
  const head =
    `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n` +
    `X-Seq: ${seq}\r\nX-Captured-At: 17.5\r\n\r\n`
  return joined(bytes(head), body, bytes('\r\n'))
}

const STREAM = joined(...BODIES.map((body, at) => part(body, at + 7)))

function expectAll(parts: readonly Part[]): void {
  expect(parts).toHaveLength(BODIES.length)
  expect(parts.map((one) => one.headers.get('x-seq'))).toEqual(['7', '8', '9', '10'])
  expect(parts.map((one) => one.headers.get('x-captured-at'))).toEqual(Array(4).fill('17.5'))
  expect(parts.map((one) => [...one.body])).toEqual(BODIES.map((body) => [...body]))
}

describe('MultipartParser', () => {
  it('reads a stream that comes in one piece', () => {
    expectAll(new MultipartParser('frame').push(STREAM))
  })

  it('reads a stream that is cut in two at any place', () => {
    for (let at = 0; at <= STREAM.length; at += 1) {
      const parser = new MultipartParser('frame')
      expectAll([...parser.push(STREAM.slice(0, at)), ...parser.push(STREAM.slice(at))])
    }
  })

  it('reads a stream in pieces of any one size', () => {
    for (let size = 1; size < STREAM.length; size += 1) {
      const parser = new MultipartParser('frame')
      const parts: Part[] = []
      for (let at = 0; at < STREAM.length; at += size) {
        parts.push(...parser.push(STREAM.slice(at, at + size)))
      }
      expectAll(parts)
    }
  })

  it('gives a part as soon as its last byte is there', () => {
    const parser = new MultipartParser('frame')
    const whole = part(Uint8Array.of(1, 2, 3), 1)
    expect(parser.push(whole.slice(0, -3))).toHaveLength(0)
    expect(parser.push(whole.slice(-3, -2))).toHaveLength(1)
  })

  it.each([
    ['another boundary', '--other\r\nContent-Length: 1\r\n\r\nx'],
    ['no length', '--frame\r\nX-Seq: 1\r\n\r\nx'],
    ['a length that is no number', '--frame\r\nContent-Length: 1e3\r\n\r\nx'],
    ['a length beyond every picture', '--frame\r\nContent-Length: 99999999999\r\n\r\nx'],
    ['a head without an end', '-'.repeat(9000)],
  ])('refuses %s', (_, stream) => {
    expect(() => new MultipartParser('frame').push(bytes(stream))).toThrow(MalformedVideo)
  })
})

describe('boundaryOf', () => {
  it.each([
    ['multipart/x-mixed-replace; boundary=frame', 'frame'],
    ['Multipart/X-Mixed-Replace;boundary="a b"', 'a b'],
  ])('reads %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary)
  })

  it.each([null, 'image/jpeg', 'text/html; boundary=x'])('refuses %s', (type) => {
    expect(() => boundaryOf(type)).toThrow(MalformedVideo)
  })
})
