/** Brings a picture and the result of exactly that frame together. */
import { revised } from './revision'
import type { FrameMessage, RevisionMessage } from './wire'

export interface Screen<P> {
  /** Show a picture with its result, or without any. */
  draw(seq: number, picture: P, result: FrameMessage | null): void
  /** The result of the picture that is on screen without one. */
  annotate(result: FrameMessage): void
  /** This picture will not be shown. */
  discard(picture: P): void
}

export interface Patience {
  /** Pictures that are held; each takes megabytes. */
  pictures: number
  /** Results that are held: on a slow line the pictures come long after them. */
  results: number
  /** Milliseconds that a picture waits for its result. */
  wait: number
}

const PATIENCE: Patience = { pictures: 8, results: 256, wait: 300 }

/** Time only moves forward on the screen: what is older than the drawn picture is dropped. */
export class Pairing<P> {
  private readonly pictures = new Map<number, { picture: P; until: number }>()
  private readonly results = new Map<number, FrameMessage>()
  private drawn: { seq: number; matched: boolean } | null = null
  private timer: ReturnType<typeof setTimeout> | null = null

  constructor(
    private readonly screen: Screen<P>,
    private readonly patience: Patience = PATIENCE,
  ) {}

  picture(seq: number, picture: P): void {
    if (this.isPast(seq)) {
      this.screen.discard(picture)
      return
    }
    const until = performance.now() + this.patience.wait
    this.pictures.set(seq, { picture, until })
    if (this.results.has(seq)) this.show(seq)
    else if (this.pictures.size > this.patience.pictures) this.show(oldest(this.pictures))
    this.arm()
  }

  result(result: FrameMessage): void {
    if (this.drawn?.seq === result.seq && !this.drawn.matched) {
      this.drawn.matched = true
      this.screen.annotate(result)
    }
    if (this.isPast(result.seq)) return
    this.results.set(result.seq, result)
    if (this.pictures.has(result.seq)) this.show(result.seq)
    else if (this.results.size > this.patience.results) this.results.delete(oldest(this.results))
    this.arm()
  }

  /** Correct the results that wait for their pictures. */
  revise(revision: RevisionMessage): void {
    for (const [seq, result] of this.results) this.results.set(seq, revised(result, revision))
  }

  /** Forget everything: another camera, or the numbers may begin anew. */
  reset(): void {
    for (const { picture } of this.pictures.values()) this.screen.discard(picture)
    this.pictures.clear()
    this.results.clear()
    this.drawn = null
    this.arm()
  }

  private isPast(seq: number): boolean {
    return this.drawn !== null && seq <= this.drawn.seq
  }

  private show(seq: number): void {
    const held = this.pictures.get(seq)
    if (held === undefined) return
    const result = this.results.get(seq) ?? null
    this.pictures.delete(seq)
    this.drawn = { seq, matched: result !== null }
    this.screen.draw(seq, held.picture, result)
    this.drop(seq)
  }

  private drop(upTo: number): void {
    for (const [seq, { picture }] of this.pictures) {
      if (seq > upTo) continue
      this.screen.discard(picture)
      this.pictures.delete(seq)
    }
    for (const seq of this.results.keys()) if (seq <= upTo) this.results.delete(seq)
  }

  /** One timer, for the picture that has waited longest. */
  private arm(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    const first = this.pictures.get(oldest(this.pictures))
    if (first === undefined) return
    const wait = Math.max(0, first.until - performance.now())
    this.timer = setTimeout(() => this.overdue(), wait)
  }

  private overdue(): void {
    const now = performance.now()
    const late = [...this.pictures].filter(([, { until }]) => until <= now)
    if (late.length > 0) this.show(Math.max(...late.map(([seq]) => seq)))
    this.arm()
  }
}

function oldest(held: ReadonlyMap<number, unknown>): number {
  return Math.min(...held.keys())
}
