import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Backoff } from '../src/backoff'
import { Problem } from '../src/problem'
import { publish } from '../src/whip'
import { FakeService, stubWebRtc, type FakePeer } from './webrtc'

describe('publish', () => {
  let peers: FakePeer[]
  let service: FakeService
  let told: string[]
  let ended: AbortController

  const start = (): Promise<void> =>
    publish(
      service,
      'c1',
      'track' as unknown as MediaStreamTrack,
      {
        state: ({ state, reason }) => told.push(reason ? `${state}: ${reason}` : state),
        connected: () => told.push('statistics'),
      },
      new Backoff(1000, 60_000, () => 1),
      ended.signal,
    )
  const pass = (milliseconds: number): Promise<unknown> =>
    vi.advanceTimersByTimeAsync(milliseconds)

  beforeEach(() => {
    vi.useFakeTimers()
    peers = stubWebRtc()
    ;[service, told, ended] = [new FakeService(), [], new AbortController()]
  })
  afterEach(() => {
    ended.abort()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('sends the track, and says when it is sent', async () => {
    void start()
    await pass(0)
    expect(peers[0]?.added[0]?.[0]).toBe('track')
    expect(peers[0]?.added[0]?.[1]).toMatchObject({ direction: 'sendonly' })
    expect(service.said[1]).toContain('/cameras/c1/whip')
    expect(told).toEqual(['connecting'])
    peers[0]?.become('connected')
    await pass(0)
    expect(told).toEqual(['connecting', 'statistics', 'live'])
  })

  it('would rather send fewer pictures than smaller ones', async () => {
    void start()
    await pass(0)
    expect(peers[0]?.sender.setParameters).toHaveBeenCalledWith(
      expect.objectContaining({ degradationPreference: 'maintain-resolution' }),
    )
  })

  it('connects again after a break, also where the service takes it to be there still', async () => {
    void start()
    await pass(0)
    peers[0]?.become('connected')
    await pass(0)
    service.answer = () => Promise.reject(new Problem(409, 'somebody publishes already'))
    peers[0]?.become('failed')
    await pass(1000)
    service.answer = () => Promise.resolve({ sdp: 'answer', session: 's2' })
    await pass(2000)
    peers[2]?.become('connected')
    await pass(0)
    expect(told.slice(3)).toEqual([
      'waiting: the connection was lost',
      'connecting',
      'waiting: somebody publishes already',
      'connecting',
      'statistics',
      'live',
    ])
    expect(service.said).toContain('bye s1')
  })

  it.each([
    [409, 'somebody publishes already'],
    [404, 'there is no such camera'],
    [401, 'sign in first'],
    [422, 'that is no offer'],
  ])('gives up where it is refused from the beginning: %i', async (status, detail) => {
    service.answer = () => Promise.reject(new Problem(status, detail))
    await expect(start()).rejects.toThrow(detail)
    expect(peers[0]?.signalingState).toBe('closed')
  })

  it('tries again where the service is away', async () => {
    service.answer = () => Promise.reject(new TypeError('fetch failed'))
    void start()
    await pass(0)
    expect(told[1]).toContain('cannot be reached')
    await pass(1000)
    expect(peers).toHaveLength(2)
  })

  it('ends the session when it is stopped, and says nothing more', async () => {
    const published = start()
    await pass(0)
    peers[0]?.become('connected')
    await pass(0)
    ended.abort()
    await published
    expect(service.said.at(-1)).toBe('bye s1')
    expect(told).toEqual(['connecting', 'statistics', 'live'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
