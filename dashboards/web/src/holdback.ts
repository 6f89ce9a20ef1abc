/** How long video is held back, so that a frame's result is there when the frame is shown.
 *
 * What counts is how much later results come than their frames are shown: where more than one in
 * twenty is late, the video is held back longer by that; where all are early, less. The browser
 * follows slowly, by about 100 ms a second, and so does this. It begins with how late the camera's
 * results are, as the service measured it.
 */

/** Milliseconds. */
const FIRST = 100
const LONGEST = 500
/** Kept in hand, as a picture is drawn a little sooner or later each time. */
const MARGIN = 20
/** How often it changes, and by how much at most. */
const PERIOD = 2000
const RISE = 150
const FALL = 40
/** The share of results that should be in time. */
const IN_TIME = 0.95
/** Frames and results whose other half has not come yet. */
const OPEN = 128

export class Holdback {
  /** Milliseconds. */
  target: number
  private readonly shownAt = new Map<number, number>()
  private readonly arrivedAt = new Map<number, number>()
  private late: number[] = []

  /** `changed` is of performance.now(), `late` milliseconds; null: the service has not measured it. */
  constructor(
    private changed: number,
    late: number | null = null,
  ) {
    this.target = Math.min(LONGEST, Math.round(late ?? FIRST))
  }

  shown(mediaTime: number, now: number): void {
    this.note(this.shownAt, mediaTime, now)
  }

  arrived(mediaTime: number, now: number): void {
    this.note(this.arrivedAt, mediaTime, now)
  }

  /** Take what was learnt into account; says whether the target is another one now. */
  adapt(now: number): boolean {
    if (now - this.changed < PERIOD || this.late.length === 0) return false
    const wanted = this.target + percentile(this.late, IN_TIME) + MARGIN
    const near = Math.min(this.target + RISE, Math.max(this.target - FALL, wanted))
    const next = Math.round(Math.min(LONGEST, Math.max(0, near)))
    const other = next !== this.target
    this.target = next
    this.changed = now
    this.late = []
    return other
  }

  private note(where: Map<number, number>, mediaTime: number, now: number): void {
    where.set(mediaTime, now)
    if (where.size > OPEN) where.delete(where.keys().next().value ?? mediaTime)
    const [shown, arrived] = [this.shownAt.get(mediaTime), this.arrivedAt.get(mediaTime)]
    if (shown === undefined || arrived === undefined) return
    this.late.push(arrived - shown)
    this.shownAt.delete(mediaTime)
    this.arrivedAt.delete(mediaTime)
  }
}

/** The least of these numbers that a share of them does not exceed. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
