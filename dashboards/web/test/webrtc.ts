/** WebRTC without a network: peers that do what a test says. */
import { vi } from 'vitest'

import type { Answered, Signaling } from '../src/rtc_session'

export class FakePeer extends EventTarget {
  connectionState = 'new'
  iceGatheringState = 'new'
  signalingState = 'stable'
  localDescription: { sdp: string } | null = null
  remote: RTCSessionDescriptionInit | null = null
  readonly receiver: { track: EventTarget; jitterBufferTarget?: number } = {
    track: new EventTarget(),
    jitterBufferTarget: 0,
  }
  readonly sender = {
    getParameters: () => ({ encodings: [{}] }),
    setParameters: vi.fn(() => Promise.resolve()),
    replaceTrack: vi.fn(() => Promise.resolve()),
  }
  readonly added: unknown[][] = []
  stats: unknown[] = []
  private readonly candidates: string[] = []

  constructor(readonly configuration: RTCConfiguration) {
    super()
  }

  addTransceiver(...given: unknown[]): unknown {
    this.added.push(given)
    return { receiver: this.receiver, sender: this.sender }
  }

  setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: 'offer' }
    queueMicrotask(() => this.gather('complete'))
    return Promise.resolve()
  }

  setRemoteDescription(remote: RTCSessionDescriptionInit): Promise<void> {
    if (remote.sdp === 'nonsense') return Promise.reject(new DOMException('no SDP', 'OperationError'))
    this.remote = remote
    return Promise.resolve()
  }

  getStats(): Promise<Map<number, unknown>> {
    return Promise.resolve(new Map(this.stats.entries()))
  }

  close(): void {
    this.signalingState = 'closed'
  }

  become(state: string): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }

  gather(state: string): void {
    this.candidates.push('one')
    this.localDescription = { sdp: `offer with ${this.candidates.length} candidate` }
    this.iceGatheringState = state
    this.dispatchEvent(new Event('icegatheringstatechange'))
  }
}

/** Puts fake peers in the browser's place; those that are made are listed. */
export function stubWebRtc(codecs = ['video/VP8', 'video/H264']): FakePeer[] {
  const peers: FakePeer[] = []
  vi.stubGlobal(
    'RTCPeerConnection',
    class extends FakePeer {
      constructor(configuration: RTCConfiguration) {
        super(configuration)
        peers.push(this)
      }
    },
  )
  const capabilities = { codecs: codecs.map((mimeType) => ({ mimeType })) }
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => capabilities })
  vi.stubGlobal('MediaStream', Object)
  vi.stubGlobal('VideoFrame', Object)
  return peers
}

/** A service that answers every offer, and writes down what it was asked. */
export class FakeService implements Signaling {
  readonly said: string[] = []
  answer: () => Promise<Answered> = () => Promise.resolve({ sdp: 'answer', session: 's1' })

  iceServers(path: string): Promise<RTCIceServer[]> {
    this.said.push(`advice ${path}`)
    return Promise.resolve([{ urls: 'stun:a' }])
  }

  offer(path: string, sdp: string): Promise<Answered> {
    this.said.push(`${sdp} to ${path}`)
    return this.answer()
  }

  hangUp(session: string): Promise<void> {
    this.said.push(`bye ${session}`)
    return Promise.reject(new TypeError('it is away'))
  }
}
