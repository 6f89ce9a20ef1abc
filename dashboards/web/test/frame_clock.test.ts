import { describe, expect, it } from 'vitest'

import { FrameClock } from '../src/frame_clock'

const WRAP = 2 ** 32
/** A media_time of November 2026: above 2^47, far beyond 32 bits. */
const TIME = 1_795_000_000 * 90_000

/** What a session with this origin sends for a frame. */
const sent = (origin: number, mediaTime: number): number => (origin + mediaTime) % WRAP

describe('FrameClock', () => {
  const clock = (origin: number | null, now = TIME / 90): FrameClock => {
    const made = new FrameClock(now)
    made.origin = origin
    return made
  }

  it('knows no time without an origin', () => {
    expect(clock(null).mediaTime(0)).toBeNull()
  })

  it.each([0, 1, 2_759_749_367, WRAP - 1])('finds the exact time, whatever the origin: %i', (origin) => {
    const asked = clock(origin)
    for (const away of [-3_600_000, -1, 0, 1, 3600, 7_200_000]) {
      expect(asked.mediaTime(sent(origin, TIME + away))).toBe(TIME + away)
    }
  })

  it('goes on evenly where the RTP timestamp wraps', () => {
    // The origin that puts the wrap between the second frame and the third.
    const origin = (WRAP - (TIME % WRAP) - 7200 + WRAP) % WRAP
    const times = [0, 3600, 7200, 10_800].map((away) => TIME + away)
    const stamps = times.map((time) => sent(origin, time))
    expect(stamps).toEqual([WRAP - 7200, WRAP - 3600, 0, 3600])
    expect(stamps.map((stamp) => clock(origin).mediaTime(stamp))).toEqual(times)
  })

  it('has another origin after a reconnect, and the same times', () => {
    const asked = clock(17)
    expect(asked.mediaTime(sent(17, TIME))).toBe(TIME)
    asked.origin = 3_000_000_000
    expect(asked.mediaTime(sent(3_000_000_000, TIME + 90_000))).toBe(TIME + 90_000)
  })

  it('knows a picture that is caught up with by what was told of it', () => {
    const asked = clock(null)
    asked.catchUp([[WRAP - 1, TIME], [719, TIME + 7200]])
    expect([WRAP - 1, 719, 1439].map((stamp) => asked.mediaTime(stamp))).toEqual([TIME, TIME + 7200, null])
    expect([719, 1439].map((stamp) => asked.isCaughtUp(stamp))).toEqual([true, false])
    asked.origin = 17
    expect(asked.mediaTime(719)).toBe(TIME + 7200)
    expect(asked.mediaTime(sent(17, TIME + 14_400))).toBe(TIME + 14_400)
  })

  it.each([-5, -1, 1, 5])('knows a time before any result where this clock is %i hours off', (hours) => {
    const asked = clock(5, TIME / 90 + hours * 3_600_000)
    expect(asked.mediaTime(sent(5, TIME))).toBe(TIME)
  })

  it('believes a result where the clock of this machine is hours off', () => {
    const day = 24 * 3_600_000
    const asked = clock(5, TIME / 90 - day)
    asked.meet(TIME)
    expect(asked.mediaTime(sent(5, TIME + 3600))).toBe(TIME + 3600)
  })
})
