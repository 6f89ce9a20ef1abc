/** Which frame of the camera a picture on screen is.
 *
 * A frame's identity is its `media_time`: ticks of 90 kHz, about Unix time. What travels with the
 * video is the RTP timestamp, which has 32 bits: (origin + media_time) mod 2^32, with an origin
 * that is each session's own. 2^32 ticks are 13.3 hours, so that the nearest time is the right one.
 */

const WRAP = 2 ** 32
/** Ticks in a millisecond. */
const TICKS = 90

export class FrameClock {
  /** Null: not known yet. */
  origin: number | null = null
  private near: number

  /** `now` in Unix milliseconds: near enough to the camera's clock until a result tells its time. */
  constructor(now: number) {
    this.near = now * TICKS
  }

  /** A result has this time: pictures are of about then. */
  meet(mediaTime: number): void {
    this.near = mediaTime
  }

  /** The media_time of a picture; null where the origin is not known. */
  mediaTime(rtpTimestamp: number): number | null {
    if (this.origin === null) return null
    const away = modulo(rtpTimestamp - this.origin - this.near, WRAP)
    return this.near + (away < WRAP / 2 ? away : away - WRAP)
  }
}

/** Never negative, unlike %. */
function modulo(number: number, by: number): number {
  return ((number % by) + by) % by
}
