import { describe, expect, it } from 'vitest'

import { SentVideo } from '../src/sent_video'
import { FakePeer } from './webrtc'

describe('SentVideo', () => {
  it('tells size, pictures and bits a second between two looks', async () => {
    const peer = new FakePeer({})
    const video = new SentVideo(peer as unknown as RTCPeerConnection)
    expect(await video.look(0)).toBeNull()
    const sending = { type: 'outbound-rtp', frameWidth: 1280, frameHeight: 720, framesPerSecond: 25 }
    peer.stats = [{ type: 'codec' }, { ...sending, bytesSent: 1000 }]
    expect((await video.look(1000))?.bitsPerSecond).toBe(0)
    peer.stats = [{ ...sending, bytesSent: 251_000 }]
    expect(await video.look(3000)).toEqual({
      width: 1280,
      height: 720,
      framesPerSecond: 25,
      bitsPerSecond: 1_000_000,
    })
  })

  it('tells nothing before a picture was encoded', async () => {
    const peer = new FakePeer({})
    peer.stats = [{ type: 'outbound-rtp', bytesSent: 0 }]
    expect(await new SentVideo(peer as unknown as RTCPeerConnection).look(0)).toBeNull()
  })
})
