import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Problem } from '../src/problem'
import { RtcSession } from '../src/rtc_session'
import { FakeService, stubWebRtc, type FakePeer } from './webrtc'

describe('RtcSession', () => {
  let peers: FakePeer[]
  let service: FakeService
  let reasons: string[]

  async function begin(): Promise<[RtcSession, FakePeer]> {
    const ended = new AbortController().signal
    const [session] = await RtcSession.begin(service, '/whep', () => null, ended)
    void session.over.then((why) => reasons.push(why.message))
    const [peer] = peers
    if (peer === undefined) throw new Error('there is no peer')
    return [session, peer]
  }
  const pass = (milliseconds: number): Promise<unknown> =>
    vi.advanceTimersByTimeAsync(milliseconds)

  beforeEach(() => {
    vi.useFakeTimers()
    peers = stubWebRtc()
    ;[service, reasons] = [new FakeService(), []]
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('offers with the advised servers, once all candidates are known', async () => {
    const [, peer] = await begin()
    expect(peer.configuration).toEqual({ iceServers: [{ urls: 'stun:a' }] })
    expect(service.said).toEqual(['advice /whep', 'offer with 1 candidate to /whep'])
    expect(peer.remote).toEqual({ type: 'answer', sdp: 'answer' })
  })

  it('does not wait for ever for candidates', async () => {
    vi.stubGlobal(
      'queueMicrotask',
      vi.fn(() => undefined),
    )
    const begun = begin()
    await pass(1499)
    expect(service.said).toHaveLength(1)
    await pass(1)
    await begun
    expect(service.said[1]).toBe('offer to /whep')
  })

  it('leaves nothing behind where the offer is refused', async () => {
    service.answer = () => Promise.reject(new Problem(503, 'too many viewers'))
    await expect(begin()).rejects.toThrow('too many viewers')
    expect(peers[0]?.signalingState).toBe('closed')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends the session where its answer is nonsense', async () => {
    service.answer = () => Promise.resolve({ sdp: 'nonsense', session: 's1' })
    await expect(begin()).rejects.toThrow('no SDP')
    expect(service.said.at(-1)).toBe('bye s1')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is over where no connection comes to be', async () => {
    await begin()
    await pass(9999)
    expect(reasons).toEqual([])
    await pass(1)
    expect(reasons).toEqual([expect.stringContaining('no connection')])
  })

  it('says of a failure before and after it was connected what it was', async () => {
    const [, peer] = await begin()
    peer.become('failed')
    await pass(0)
    expect(reasons).toEqual([expect.stringContaining('no connection')])
    peers.length = 0
    const [, other] = await begin()
    other.become('connected')
    other.become('failed')
    await pass(0)
    expect(reasons[1]).toBe('the connection was lost')
  })

  it('gives a lost connection a while to come back', async () => {
    const [, peer] = await begin()
    peer.become('connected')
    peer.become('disconnected')
    await pass(3999)
    peer.become('connected')
    await pass(60_000)
    expect(reasons).toEqual([])
    peer.become('disconnected')
    await pass(4000)
    expect(reasons).toEqual(['the connection was lost'])
  })

  it('closes the connection after the goodbye, and soon where nobody hears it', async () => {
    const [session, peer] = await begin()
    service.hangUp = () => new Promise(() => undefined)
    session.end()
    await pass(1999)
    expect(peer.signalingState).toBe('stable')
    await pass(1)
    expect(peer.signalingState).toBe('closed')
  })

  it('says goodbye once, also where the page goes away, and minds no failure', async () => {
    const [session, peer] = await begin()
    window.dispatchEvent(new Event('pagehide'))
    session.end()
    await pass(60_000)
    expect(service.said.filter((said) => said === 'bye s1')).toHaveLength(1)
    expect(peer.signalingState).toBe('closed')
    expect(reasons).toEqual([])
  })
})
