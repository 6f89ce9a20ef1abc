import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Client } from '../src/client'
import { follow, type Way } from '../src/follow'
import type { Live, LiveListener } from '../src/live'
import { Problem } from '../src/problem'
import type { Stage } from '../src/stage'
import { face, frame } from './samples'
import { FakeService, stubWebRtc, type FakePeer } from './webrtc'

describe('follow', () => {
  let peers: FakePeer[]
  let service: FakeService
  let listeners: Set<LiveListener>
  let subscribed: (readonly string[])[]
  let ways: Way[]
  let shown: unknown[]
  let videos: AbortSignal[]
  let showPicture: VideoFrameRequestCallback | null
  let stop: () => void

  const video = {
    srcObject: null,
    requestVideoFrameCallback: (callback: VideoFrameRequestCallback) => {
      showPicture = callback
      return 1
    },
    cancelVideoFrameCallback: () => (showPicture = null),
  } as unknown as HTMLVideoElement

  function picture(rtpTimestamp: number): void {
    showPicture?.(0, { rtpTimestamp, mediaTime: 0 } as VideoFrameCallbackMetadata)
  }
  function start(): void {
    const client = Object.assign(service, {
      viewing: () =>
        Promise.resolve({
          state: 'connected',
          rtp_origin: 0,
          encoded: false,
          caught_up: [],
          role: 'analyse',
          exact: true,
        }),
      video: (_: string, signal: AbortSignal) => {
        videos.push(signal)
        return new Promise(() => undefined)
      },
    })
    stop = follow('c1', {
      client: client as unknown as Client,
      live: {
        maxAge: 2,
        listen: (listener: LiveListener) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
        subscribe: (cameras: readonly string[]) => subscribed.push(cameras),
      } as unknown as Live,
      stage: {
        show: (_: unknown, time: number | null, boxes: unknown) => shown.push([time, boxes !== null]),
      } as unknown as Stage,
      late: () => null,
      video,
      drawn: () => undefined,
      trouble: () => undefined,
      way: (way) => ways.push(way),
    })
  }
  const say = (listener: (one: LiveListener) => void): void => listeners.forEach(listener)
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

  beforeEach(() => {
    vi.useFakeTimers()
    peers = stubWebRtc()
    vi.stubGlobal('VideoFrame', class {
      timestamp = 0
      close = (): void => undefined
    })
    service = new FakeService()
    ;[listeners, subscribed, ways, shown, videos] = [new Set(), [], [], [], []]
    showPicture = null
  })
  afterEach(() => {
    stop()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('shows a camera by WebRTC, with the results of that camera alone', async () => {
    start()
    await pass(0)
    peers[0]?.become('connected')
    const result = { ...frame(1, [face(1)]), media_time: 2 ** 32 * 1000 + 500 }
    say((one) => one.frame?.(result))
    picture(400)
    await pass(0)
    say((one) => one.frame?.({ ...result, camera: 'c2', media_time: result.media_time + 100 }))
    picture(500)
    picture(600)
    expect(shown.slice(1)).toEqual([
      [result.media_time, true],
      [result.media_time + 100, true],
    ])
    await pass(1000)
    expect(ways.at(-1)).toMatchObject({ kind: 'webrtc', source: { encoded: false } })
    expect(videos).toEqual([])
  })

  it('shows pictures and says why, until WebRTC has shown one', async () => {
    service.answer = () => Promise.reject(new Problem(503, 'too many viewers'))
    start()
    await pass(0)
    expect(ways).toEqual([{ kind: 'pictures', why: 'too many viewers' }])
    expect(videos).toHaveLength(1)
    service.answer = () => Promise.resolve({ sdp: 'answer', session: 's1' })
    await pass(1000)
    expect(videos[0]?.aborted).toBe(false)
    picture(0)
    expect(videos[0]?.aborted).toBe(true)
  })

  it('tries WebRTC again at once when the camera becomes live', async () => {
    service.answer = () => Promise.reject(new Problem(503, 'it shows nothing', [], null, 50_000))
    start()
    await pass(0)
    const live = { type: 'camera', camera: 'c1', state: 'live', reason: '', since: 0 } as const
    say((one) => one.camera?.({ ...live, camera: 'c2' }))
    await pass(1000)
    expect(peers).toHaveLength(1)
    say((one) => one.camera?.(live))
    await pass(0)
    expect(peers).toHaveLength(2)
  })

  it('leaves nothing behind when it is ended', async () => {
    start()
    await pass(0)
    peers[0]?.become('connected')
    picture(0)
    await pass(0)
    stop()
    await pass(0)
    expect(peers[0]?.signalingState).toBe('closed')
    expect(service.said.at(-1)).toBe('bye s1')
    expect(subscribed).toEqual([['c1'], []])
    expect(listeners.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})
