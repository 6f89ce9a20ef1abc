import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { WhepSession } from '../src/whep'
import { FakeService, stubWebRtc, type FakePeer } from './webrtc'

describe('WhepSession', () => {
  let peers: FakePeer[]
  let service: FakeService
  let video: { srcObject: unknown; requestVideoFrameCallback?: unknown }
  const begin = (): Promise<WhepSession> => {
    const element = video as unknown as HTMLVideoElement
    return WhepSession.begin(service, 'c1', element, new AbortController().signal)
  }

  beforeEach(() => {
    peers = stubWebRtc()
    service = new FakeService()
    video = { srcObject: null, requestVideoFrameCallback: () => 1 }
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('asks for video, which comes to the element, and goes with the session', async () => {
    const session = await begin()
    expect(peers[0]?.added).toEqual([['video', { direction: 'recvonly' }]])
    expect(service.said[1]).toContain('/cameras/c1/whep')
    expect(session.path).toBe('s1')
    expect(video.srcObject).not.toBeNull()
    session.end()
    expect(video.srcObject).toBeNull()
    expect(service.said.at(-1)).toBe('bye s1')
  })

  it('lets the browser hold pictures back, where it can', async () => {
    const session = await begin()
    expect(session.hold(180)).toBe(true)
    expect(peers[0]?.receiver.jitterBufferTarget).toBe(180)
    delete peers[0]?.receiver.jitterBufferTarget
    expect(session.hold(180)).toBe(false)
    session.end()
  })

  it('says when the video begins to flow', async () => {
    const session = await begin()
    const flowed = vi.fn()
    void session.flows.then(flowed)
    await Promise.resolve()
    expect(flowed).not.toHaveBeenCalled()
    peers[0]?.receiver.track.dispatchEvent(new Event('unmute'))
    await Promise.resolve()
    expect(flowed).toHaveBeenCalledOnce()
  })

  it('says what a browser lacks, and asks the service nothing then', async () => {
    stubWebRtc(['video/VP8'])
    await expect(begin()).rejects.toThrow('plays no H.264')
    stubWebRtc()
    delete video.requestVideoFrameCallback
    await expect(begin()).rejects.toThrow('which frame')
    vi.unstubAllGlobals()
    await expect(begin()).rejects.toThrow('no WebRTC')
    expect(service.said).toEqual([])
  })
})
