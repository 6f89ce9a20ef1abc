/** Reads multipart/x-mixed-replace piece by piece, wherever the network cut it. */

export interface Part {
  /** By lower-case name. */
  headers: ReadonlyMap<string, string>
  body: Uint8Array<ArrayBuffer>
}

export class MalformedVideo extends Error {}

const LONGEST_HEAD = 8 << 10
const LARGEST_BODY = 32 << 20

type Bytes = Uint8Array<ArrayBuffer>

/** Every part has a Content-Length: its body is taken whole and never searched. */
export class MultipartParser {
  private pieces: Bytes[] = []
  private held = 0
  private headers: ReadonlyMap<string, string> | null = null
  private length = 0

  /** The boundary as in the Content-Type, without the leading dashes. */
  constructor(private readonly boundary: string) {}

  /** The parts that are complete with this chunk.
   *
   * Throws MalformedVideo where the stream is not what it should be.
   */
  push(chunk: Bytes): Part[] {
    this.pieces.push(chunk)
    this.held += chunk.length
    const parts: Part[] = []
    for (let part = this.next(); part !== null; part = this.next()) parts.push(part)
    return parts
  }

  private next(): Part | null {
    if (this.headers === null && !this.readHead()) return null
    if (this.headers === null || this.held < this.length) return null
    const part = { headers: this.headers, body: this.take(this.length) }
    this.headers = null
    return part
  }

  /** Whether there is a whole head now: empty lines, the boundary, headers, an empty line. */
  private readHead(): boolean {
    const bytes = this.joined()
    const start = afterLineBreaks(bytes)
    const end = headEnd(bytes, start)
    if (end < 0) {
      if (this.held - start > LONGEST_HEAD) throw new MalformedVideo('a part without an end')
      return false
    }
    const [first, ...lines] = latin1(this.take(end).subarray(start)).trimEnd().split('\r\n')
    if (first !== `--${this.boundary}`) throw new MalformedVideo('a part without its boundary')
    this.headers = headersOf(lines)
    this.length = lengthOf(this.headers)
    return true
  }

  private joined(): Bytes {
    if (this.pieces.length === 1 && this.pieces[0] !== undefined) return this.pieces[0]
    const whole = new Uint8Array(this.held)
    let at = 0
    for (const piece of this.pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    this.pieces = [whole]
    return whole
  }

  private take(length: number): Bytes {
    const whole = this.joined()
    this.pieces = [whole.subarray(length)]
    this.held -= length
    return whole.subarray(0, length)
  }
}

/** The boundary that a Content-Type names. */
export function boundaryOf(contentType: string | null): string {
  const found = /^multipart\/x-mixed-replace\s*;.*\bboundary="?([^";]+)"?/i.exec(contentType ?? '')
  if (found?.[1] === undefined) throw new MalformedVideo(`no video but ${contentType ?? 'nothing'}`)
  return found[1].trim()
}

const CR = 13
const LF = 10

function afterLineBreaks(bytes: Bytes): number {
  let at = 0
  while (bytes[at] === CR || bytes[at] === LF) at += 1
  return at
}

/** Where the empty line ends, or -1. */
function headEnd(bytes: Bytes, start: number): number {
  for (let at = start; at + 3 < bytes.length && at - start <= LONGEST_HEAD; at += 1) {
    const ends = bytes[at] === CR && bytes[at + 1] === LF
    if (ends && bytes[at + 2] === CR && bytes[at + 3] === LF) return at + 4
  }
  return -1
}

function latin1(bytes: Bytes): string {
  return new TextDecoder('latin1').decode(bytes)
}

function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
  })
  return new Map(pairs)
}

function lengthOf(headers: ReadonlyMap<string, string>): number {
  const said = headers.get('content-length') ?? ''
  const length = /^\d+$/.test(said) ? Number(said) : NaN
  if (!(length <= LARGEST_BODY)) throw new MalformedVideo(`a part of "${said}" bytes`)
  return length
}
