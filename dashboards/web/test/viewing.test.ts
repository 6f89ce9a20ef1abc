import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Problem } from '../src/problem'
import type { Boxes } from '../src/timeline'
import { Viewing } from '../src/viewing'
import type { WhepSession, WhepStatus } from '../src/whep'
import type { FrameMessage } from '../src/wire'
import { face, frame } from './samples'

const ORIGIN = 4_294_900_000
/** Ticks between frames, at 12.5 a second. */
const STEP = 7200
const TIME = 161_000_000_000_000

/** A video element that shows a picture when a test says so. */
class FakeVideo {
  private asked: VideoFrameRequestCallback | null = null
  private picture = 0

  requestVideoFrameCallback(callback: VideoFrameRequestCallback): number {
    this.asked = callback
    return 1
  }

  cancelVideoFrameCallback(): void {
    this.asked = null
  }

  get current(): number {
    return this.picture
  }

  /** Shows the frame of a time; the browser may speak of another one. */
  show(mediaTime: number, spokenOf: number | null = mediaTime, age = 40): void {
    this.picture = mediaTime
    const rtpTimestamp = spokenOf === null ? undefined : (ORIGIN + spokenOf) % 2 ** 32
    const receiveTime = performance.now() - age
    const metadata = { rtpTimestamp, mediaTime: (spokenOf ?? 0) / 1e6, receiveTime }
    this.asked?.(0, metadata as unknown as VideoFrameCallbackMetadata)
  }
}

describe('Viewing', () => {
  let video: FakeVideo
  let shown: string[]
  let open: number
  let held: number[]
  let canHold: boolean
  let answers: (() => Promise<WhepStatus>)[]
  let told: unknown[]
  let viewing: Viewing
  let over: string[]
  let caughtUp: [number, number][]
  let flow: () => void
  let late: number | null
  let exact: boolean
  let width: number
  let role: 'analyse' | 'view'

  const result = (number: number): FrameMessage =>
    ({ ...frame(number, [face(1)]), media_time: TIME + number * STEP })
  const picture = (number: number): void => video.show(TIME + number * STEP)
  const label = ({ frame: { seq }, exact }: Boxes): string => `+${exact ? '' : '~'}${seq}`
  const number = (time: number | null): string => (time === null ? '?' : `${(time - TIME) / STEP}`)
  const known = (origin: number | null, encoded = false): (() => Promise<WhepStatus>) => () =>
    Promise.resolve({
      state: 'connected',
      rtp_origin: origin,
      encoded,
      caught_up: caughtUp,
      role,
      exact,
    })

  function begin(): void {
    viewing = new Viewing({
      session: {
        path: '/session',
        flows: new Promise<void>((resolve) => (flow = resolve)),
        hold: (ms: number) => {
          held.push(ms)
          return canHold
        },
      } as unknown as WhepSession,
      video: video as unknown as HTMLVideoElement,
      screen: {
        show: (_, time, boxes) => shown.push(number(time) + (boxes ? label(boxes) : '')),
        annotate: (late) => shown.push(`late ${late.seq}`),
      },
      status: () => (answers.length > 1 ? answers.shift() : answers[0])?.() ?? Promise.reject(new Error()),
      maxAge: () => 1000,
      late,
      shown: () => undefined,
      told: (...said) => told.push(said),
    })
    void viewing.over.then((why) => over.push(why.message))
  }
  /** The first picture makes it ask for the origin. */
  async function beginKnown(): Promise<void> {
    begin()
    viewing.result(result(-100))
    picture(0)
    await vi.advanceTimersByTimeAsync(0)
    shown = []
  }

  beforeEach(() => {
    vi.useFakeTimers()
    open = 0
    exact = true
    width = 960
    role = 'analyse'
    class FakeFrame {
      readonly timestamp = video.current
      readonly displayWidth = width
      constructor() {
        open += 1
      }

      close(): void {
        open -= 1
      }
    }
    vi.stubGlobal('VideoFrame', FakeFrame)
    video = new FakeVideo()
    ;[shown, held, canHold, told, over] = [[], [], true, [], []]
    ;[answers, caughtUp, late] = [[known(ORIGIN)], [], null]
  })
  afterEach(() => {
    viewing.close()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('draws pictures without boxes until it knows how times and timestamps go together', async () => {
    answers = [known(null), known(null), known(ORIGIN)]
    begin()
    for (let at = 0; at < 4; at += 1) viewing.result(result(at))
    picture(0)
    await vi.advanceTimersByTimeAsync(0)
    picture(1)
    await vi.advanceTimersByTimeAsync(200)
    picture(2)
    expect(shown).toEqual(['?', '?', '2+2'])
  })

  it('has the boxes of a picture that it catches up with, from the first one on', async () => {
    caughtUp = [0, 1, 2].map((at) => [at, TIME + at * STEP])
    answers = [known(null), known(ORIGIN)]
    begin()
    for (const at of [0, 2]) viewing.result(result(at))
    flow()
    await vi.advanceTimersByTimeAsync(0)
    // Sent as of other times: tick after tick.
    for (const at of [0, 1, 2]) video.show(at - ORIGIN + 2 ** 32)
    await vi.advanceTimersByTimeAsync(100)
    picture(3)
    expect(shown).toEqual(['0+0', '1+~0', '2+2', '3+~2'])
  })

  it('learns nothing of delays from pictures that it catches up with', async () => {
    caughtUp = Array.from({ length: 100 }, (_, at) => [at, TIME + at * STEP])
    begin()
    for (let at = 0; at < 100; at += 1) viewing.result(result(at))
    flow()
    await vi.advanceTimersByTimeAsync(2000)
    for (let at = 0; at < 100; at += 1) video.show(at - ORIGIN + 2 ** 32)
    await vi.advanceTimersByTimeAsync(2000)
    expect(held).toEqual([100])
  })

  it('asks again which pictures are which where some were missing for a moment', async () => {
    await beginKnown()
    caughtUp = [[5, TIME + STEP]]
    viewing.result(result(1))
    picture(0)
    await vi.advanceTimersByTimeAsync(251)
    picture(2)
    await vi.advanceTimersByTimeAsync(0)
    video.show(5 - ORIGIN + 2 ** 32)
    expect(shown.at(-1)).toBe('1+1')
  })

  it('gives a picture the boxes of that frame, and its neighbours estimated ones', async () => {
    await beginKnown()
    viewing.result(result(1))
    viewing.result(result(3))
    for (let at = 1; at <= 3; at += 1) picture(at)
    expect(shown).toEqual(['1+1', '2+~1', '3+3'])
  })

  it('adds a late result to the picture that is on screen, once', async () => {
    await beginKnown()
    picture(1)
    viewing.result(result(1))
    viewing.result(result(1))
    picture(2)
    viewing.result(result(0))
    expect(shown).toEqual(['1', 'late 1', '2+~1'])
  })

  it('leaves a picture out where the element has another one than the browser speaks of', async () => {
    await beginKnown()
    video.show(TIME + 2 * STEP, TIME + STEP)
    picture(2)
    expect(shown).toEqual(['2'])
    expect(open).toBe(0)
  })

  it('believes a browser that measures the times of pictures in its own way', () => {
    begin()
    for (let at = 0; at < 3; at += 1) video.show(7 * at, TIME + at * STEP)
    expect(shown).toHaveLength(3)
  })

  it('is over, for good, where the browser does not tell which picture it shows', async () => {
    begin()
    video.show(TIME, null)
    await vi.advanceTimersByTimeAsync(0)
    expect(over).toEqual(['this browser does not tell which frame it shows'])
    expect(open).toBe(0)
  })

  it('believes a picture that knows its own timestamp', async () => {
    await beginKnown()
    const metadata = (): object => ({ rtpTimestamp: (ORIGIN + TIME + 2 * STEP) % 2 ** 32 })
    Object.assign(VideoFrame.prototype, { metadata })
    video.show(TIME + 2 * STEP, TIME + STEP)
    expect(shown).toEqual(['2'])
  })

  it('closes every picture', async () => {
    await beginKnown()
    for (let at = 1; at <= 30; at += 1) picture(at)
    expect(shown).toHaveLength(30)
    expect(open).toBe(0)
  })

  it('lets the browser hold pictures back for as long as results are late', async () => {
    await beginKnown()
    for (let at = 1; at <= 60; at += 1) {
      picture(at)
      await vi.advanceTimersByTimeAsync(79)
      viewing.result(result(at))
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(held[0]).toBe(100)
    expect(held[1]).toBe(100 + 79 + 20)
    expect(open).toBe(0)
  })

  it.each([
    [null, 100],
    [243.4, 243],
    [3000, 500],
  ])('begins to hold them back by what the service measured: %s ms', (measured, first) => {
    late = measured
    begin()
    expect(held).toEqual([first])
  })

  it('holds pictures back itself where the browser cannot', async () => {
    canHold = false
    begin()
    viewing.result(result(0))
    picture(0)
    expect(shown).toEqual([])
    expect(open).toBe(1)
    await vi.advanceTimersByTimeAsync(100)
    expect(shown).toEqual(['?'])
    expect(open).toBe(0)
  })

  it('tells every second how much later pictures come, and who encoded them', async () => {
    await beginKnown()
    video.show(TIME + STEP, TIME + STEP, 170)
    video.show(TIME + 2 * STEP, TIME + 2 * STEP, 180)
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toMatchObject([[170, { encoded: false, role: 'analyse', exact: true }]])
    await vi.advanceTimersByTimeAsync(5000)
    expect(told).toHaveLength(1)
  })

  it('draws boxes as estimated where times are estimated, and none of them as late and exact', async () => {
    exact = false
    await beginKnown()
    viewing.result(result(1))
    picture(1)
    picture(2)
    viewing.result(result(2))
    expect(shown).toEqual(['1+~1', '2+~1'])
  })

  it('knows the frames of another stream by times that are rounded', async () => {
    role = 'view'
    await beginKnown()
    viewing.result(result(1))
    video.show(TIME + STEP + 2)
    video.show(TIME + 2 * STEP - 1)
    viewing.result(result(2))
    expect(shown.map((one) => one.replace(/^[\d.]+/, ''))).toEqual(['+1', '+~1', 'late 2'])
  })

  it('asks anew where pictures have another size: they may be of another stream', async () => {
    await beginKnown()
    exact = false
    width = 1920
    picture(1)
    await vi.advanceTimersByTimeAsync(0)
    viewing.result(result(2))
    picture(2)
    expect(shown.at(-1)).toBe('2+~2')
  })

  it('is over where no picture comes at all', async () => {
    begin()
    await vi.advanceTimersByTimeAsync(6000)
    expect(over).toEqual([])
    await vi.advanceTimersByTimeAsync(1000)
    expect(over).toEqual(['no picture came'])
  })

  it('is over where results go on and pictures do not', async () => {
    await beginKnown()
    for (let second = 1; second <= 8; second += 1) {
      viewing.result(result(second))
      await vi.advanceTimersByTimeAsync(1000)
    }
    expect(over).toEqual(['no picture came'])
  })

  it('waits for a camera of which nothing comes, neither pictures nor results', async () => {
    await beginKnown()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(over).toEqual([])
  })

  it('misses no picture in the background', async () => {
    await beginKnown()
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
    for (let second = 1; second <= 60; second += 1) {
      viewing.result(result(second))
      await vi.advanceTimersByTimeAsync(1000)
    }
    hidden.mockRestore()
    picture(61)
    expect(over).toEqual([])
    expect(shown).toEqual(['61+~60'])
  })

  it('is over where the service does not know it any more, but not where it is away', async () => {
    answers = [
      known(ORIGIN),
      () => Promise.reject(new TypeError('away')),
      () => Promise.reject(new Problem(404, 'there is no such session')),
    ]
    await beginKnown()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(over).toEqual([])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(over).toEqual(['there is no such session'])
  })

  it('leaves nothing running', async () => {
    await beginKnown()
    viewing.close()
    picture(1)
    expect(shown).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})
