import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Backoff } from '../src/backoff'
import { Problem } from '../src/problem'
import { watchVideo } from '../src/video'

function stream(seqs: readonly number[]): Response {
  const parts = seqs.map((seq) => `--frame\r\nContent-Length: 1\r\nX-Seq: ${seq}\r\n\r\nx\r\n`)
  const headers = { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' }
  return new Response(parts.join(''), { headers })
}

describe('watchVideo', () => {
  let told: unknown[]
  let ended: AbortController
  let answers: (() => Promise<Response>)[]
  const watch = (): Promise<void> =>
    watchVideo(
      () => answers.shift()?.() ?? Promise.reject(new Problem(404, 'gone')),
      {
        begin: () => told.push('begin'),
        picture: (seq) => told.push(seq),
        trouble: (error) => told.push((error as Error).message),
      },
      new Backoff(100, 1000, () => 1),
      ended.signal,
    )

  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('createImageBitmap', () => Promise.resolve({}))
    ;[told, ended, answers] = [[], new AbortController(), []]
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('begins anew after an end and after a failure, until the camera is gone', async () => {
    answers = [
      () => Promise.resolve(stream([7, 8])),
      () => Promise.reject(new TypeError('away')),
      () => Promise.resolve(stream([0])),
    ]
    const watched = watch()
    await vi.runAllTimersAsync()
    await watched
    expect(told).toEqual(['begin', 7, 8, 'away', 'begin', 0, 'gone'])
  })

  it('is quiet once it was told to end', async () => {
    answers = [
      () => {
        ended.abort()
        return Promise.reject(new DOMException('aborted', 'AbortError'))
      },
    ]
    await watch()
    expect(told).toEqual([])
  })

  it('says so when an answer is no video', async () => {
    answers = [() => Promise.resolve(new Response('<html>'))]
    const watched = watch()
    await vi.runAllTimersAsync()
    await watched
    expect(told).toEqual([expect.stringContaining('no video'), 'gone'])
  })
})
