import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { pause } from '../src/abort'
import { Backoff } from '../src/backoff'
import { play } from '../src/player'
import { Problem } from '../src/problem'
import { Unable } from '../src/whep'

/** What an attempt does: shows a picture or not, and ends with an error. */
type Attempt = (shown: () => void) => Promise<never>

describe('play', () => {
  let attempts: Attempt[]
  let told: string[]
  let ended: AbortController

  const refused = (error: Error): Attempt => () => Promise.reject(error)
  const lasting: Attempt = (shown) => {
    shown()
    return new Promise(() => undefined)
  }
  const start = (): Promise<void> =>
    play(
      {
        webrtc: (shown, signal) => {
          told.push('webrtc')
          const over = new Promise<never>((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')))
          })
          return Promise.race([attempts.shift()?.(shown) ?? over, over])
        },
        pictures: (signal) => {
          told.push('pictures')
          signal.addEventListener('abort', () => told.push('no pictures'))
        },
        rest: pause,
        fallen: (why) => told.push(why ?? 'shown'),
      },
      new Backoff(1000, 60_000, () => 1),
      ended.signal,
    )

  beforeEach(() => {
    vi.useFakeTimers()
    ;[attempts, told, ended] = [[], [], new AbortController()]
  })
  afterEach(() => {
    ended.abort()
    vi.useRealTimers()
  })

  it('shows WebRTC, and no pictures beside it', async () => {
    attempts = [lasting]
    void start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toEqual(['webrtc', 'shown'])
  })

  it('shows pictures where WebRTC brought none, says why, and lets them go for WebRTC', async () => {
    attempts = [refused(new Error('no picture came')), lasting]
    void start()
    await vi.advanceTimersByTimeAsync(0)
    expect(told).toEqual(['webrtc', 'pictures', 'no picture came'])
    await vi.advanceTimersByTimeAsync(1000)
    expect(told.slice(3)).toEqual(['webrtc', 'no pictures', 'shown'])
  })

  it('begins pictures once, and tries again later each time', async () => {
    const error = new Error('no connection')
    attempts = [refused(error), refused(error), refused(error)]
    void start()
    await vi.advanceTimersByTimeAsync(999)
    expect(told.filter((one) => one === 'webrtc')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(told.filter((one) => one === 'webrtc')).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1999)
    expect(told.filter((one) => one === 'webrtc')).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(told.filter((one) => one === 'webrtc')).toHaveLength(3)
    expect(told.filter((one) => one === 'pictures')).toHaveLength(1)
  })

  it('tries again first where a connection that had shown pictures broke', async () => {
    attempts = [
      (shown) => {
        shown()
        return Promise.reject(new Error('the connection was lost'))
      },
      lasting,
    ]
    void start()
    await vi.advanceTimersByTimeAsync(1000)
    expect(told).toEqual(['webrtc', 'shown', 'webrtc', 'shown'])
  })

  it('waits as long as the service asks', async () => {
    attempts = [refused(new Problem(503, 'too many viewers', [], null, 30_000)), lasting]
    void start()
    await vi.advanceTimersByTimeAsync(29_999)
    expect(told).toEqual(['webrtc', 'pictures', 'too many viewers'])
    await vi.advanceTimersByTimeAsync(1)
    expect(told.at(-1)).toBe('shown')
  })

  it.each([
    new Unable('this browser plays no H.264'),
    new Problem(404, 'there is no such camera'),
    new Problem(401, 'sign in first'),
  ])('does not try again where that would change nothing: $message', async (error) => {
    attempts = [refused(error), lasting]
    await start()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(told).toEqual(['webrtc', 'pictures', error.message])
    ended.abort()
    expect(told.at(-1)).toBe('no pictures')
  })

  it('ends both when it is told to, also while it waits', async () => {
    attempts = [refused(new Error('no connection'))]
    const played = start()
    await vi.advanceTimersByTimeAsync(500)
    ended.abort()
    await played
    expect(told).toEqual(['webrtc', 'pictures', 'no connection', 'no pictures'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('says nothing of an attempt that was ended by leaving', async () => {
    const played = start()
    ended.abort()
    await played
    expect(told).toEqual(['webrtc'])
  })
})
