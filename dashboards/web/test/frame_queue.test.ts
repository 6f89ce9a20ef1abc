import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { FrameQueue } from '../src/frame_queue'
import type { ShownFrame } from '../src/shown_frames'

describe('FrameQueue', () => {
  let drawn: number[]
  let closed: number[]
  let queue: FrameQueue
  const push = (rtpTimestamp: number): void => {
    const picture = { close: () => closed.push(rtpTimestamp) } as unknown as VideoFrame
    queue.push({ picture, rtpTimestamp, receivedAt: null } satisfies ShownFrame)
  }

  beforeEach(() => {
    vi.useFakeTimers()
    ;[drawn, closed] = [[], []]
    queue = new FrameQueue((frame) => drawn.push(frame.rtpTimestamp))
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('draws at once where nothing is held back, and closes what it drew', () => {
    push(1)
    expect([drawn, closed]).toEqual([[1], [1]])
  })

  it('draws each picture after the delay, in order', () => {
    queue.delay = 300
    push(1)
    vi.advanceTimersByTime(100)
    push(2)
    vi.advanceTimersByTime(199)
    expect(drawn).toEqual([])
    vi.advanceTimersByTime(1)
    expect(drawn).toEqual([1])
    vi.advanceTimersByTime(100)
    expect(drawn).toEqual([1, 2])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('holds few pictures: the oldest are drawn before their time', () => {
    queue.delay = 500
    for (let stamp = 0; stamp < 20; stamp += 1) push(stamp)
    expect(drawn).toEqual([0, 1, 2, 3])
  })

  it('keeps the order where the delay becomes shorter', () => {
    queue.delay = 300
    push(1)
    queue.delay = 0
    push(2)
    expect(drawn).toEqual([])
    vi.advanceTimersByTime(300)
    expect(drawn).toEqual([1, 2])
  })

  it('closes what waits when it is over, undrawn', () => {
    queue.delay = 300
    push(1)
    queue.close()
    vi.advanceTimersByTime(1000)
    expect([drawn, closed]).toEqual([[], [1]])
  })
})
