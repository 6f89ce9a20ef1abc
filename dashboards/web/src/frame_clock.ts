/** Which frame of the camera a picture on screen is.
 *
 * A frame's identity is its `media_time`: ticks of 90 kHz, about Unix time. What travels with the
 * video is the RTP timestamp, which has 32 bits: (origin + media_time) mod 2^32, with an origin
 * that is each session's own. 2^32 ticks are 13.3 hours, so that the nearest time is the right one.
 * The pictures that a viewer catches up with are sent faster than they were taken, with timestamps of
 * their own: of these the service tells each one's time.
 */

import type { WhepStatus } from './whep'

const WRAP = 2 ** 32
/** Ticks in a millisecond. */
const TICKS = 90
/** Ticks: 0.1 ms. */
const ROUNDING = 9

export class FrameClock {
  /** Null: not known yet. */
  origin: number | null = null
  /** By so many ticks times may be off: those of another stream than the analysed one are converted.
   * Null: they are estimated. */
  rounding: number | null = 0
  /** By RTP timestamp the media_time of each picture that was caught up with. */
  private caughtUp: ReadonlyMap<number, number> = new Map()
  private near: number

  /** `now` in Unix milliseconds: near enough to the camera's clock until a result tells its time. */
  constructor(now: number) {
    this.near = now * TICKS
  }

  /** What the service tells of a session. */
  learn(status: WhepStatus): void {
    this.origin = status.rtp_origin
    this.catchUp(status.caught_up)
    const rounding = status.role === 'view' ? ROUNDING : 0
    this.rounding = status.exact ? rounding : null
  }

  /** Whether the picture of a time is surely the one that a result is of. */
  isOf(result: number, time: number | null): boolean {
    return time !== null && this.rounding !== null && Math.abs(time - result) <= this.rounding
  }

  /** What the service told of the pictures that are caught up with. */
  catchUp(pictures: readonly (readonly [timestamp: number, mediaTime: number])[]): void {
    this.caughtUp = new Map(pictures)
  }

  /** Whether a picture is one of those: it comes at no pace of its own. */
  isCaughtUp(rtpTimestamp: number): boolean {
    return this.caughtUp.has(rtpTimestamp)
  }

  /** A result has this time: pictures are of about then. */
  meet(mediaTime: number): void {
    this.near = mediaTime
  }

  /** The media_time of a picture; null where the origin is not known. */
  mediaTime(rtpTimestamp: number): number | null {
    const told = this.caughtUp.get(rtpTimestamp)
    if (told !== undefined) return told
    if (this.origin === null) return null
    const away = modulo(rtpTimestamp - this.origin - this.near, WRAP)
    return this.near + (away < WRAP / 2 ? away : away - WRAP)
  }
}

/** Never negative, unlike %. */
function modulo(number: number, by: number): number {
  return ((number % by) + by) % by
}
