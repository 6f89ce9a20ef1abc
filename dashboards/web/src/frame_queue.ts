/** Pictures that wait for their time, where the browser cannot hold them back itself. */
import type { ShownFrame } from './shown_frames'

/** Decoders have few pictures to give out. */
const MOST = 16

export class FrameQueue {
  /** Milliseconds that a picture waits. */
  delay = 0
  private readonly waiting: { frame: ShownFrame; due: number }[] = []
  private timer: ReturnType<typeof setTimeout> | null = null

  /** What is drawn is closed afterwards. */
  constructor(private readonly draw: (frame: ShownFrame) => void) {}

  push(frame: ShownFrame): void {
    this.waiting.push({ frame, due: performance.now() + this.delay })
    this.drain()
  }

  /** Nothing that waits is drawn any more. */
  close(): void {
    this.rest()
    for (const { frame } of this.waiting.splice(0)) frame.picture.close()
  }

  private drain(): void {
    this.rest()
    const now = performance.now()
    const first = this.waiting.findIndex(({ due }) => due > now)
    const due = first < 0 ? this.waiting.length : first
    // Too many: the oldest go before their time, not unseen.
    for (const { frame } of this.waiting.splice(0, Math.max(due, this.waiting.length - MOST))) {
      this.draw(frame)
      frame.picture.close()
    }
    const next = this.waiting[0]
    if (next !== undefined) this.timer = setTimeout(() => this.drain(), next.due - now)
  }

  private rest(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
  }
}
