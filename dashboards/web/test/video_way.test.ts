import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'

import VideoWay from '../src/components/VideoWay.vue'
import type { Way } from '../src/follow'
import type { Source } from '../src/viewing'

const text = (way: Way, hasView = false): string => mount(VideoWay, { props: { way, hasView } }).text()
const webrtc = (delay: number, source: Partial<Source> = {}): Way => ({
  kind: 'webrtc',
  delay,
  source: { encoded: false, role: 'analyse', exact: true, ...source },
})

describe('VideoWay', () => {
  it('says by which way the video comes, who encoded it, and how long it is held back', () => {
    expect(text(webrtc(183))).toBe("WebRTC, the camera's own H.264+180 ms")
    expect(text(webrtc(4, { encoded: true }))).toContain('encoded here')
    expect(text(webrtc(4, { encoded: null, role: null }))).toBe('WebRTC+0 ms')
  })

  it('says where the view stream does not come, and where its boxes are estimated', () => {
    expect(text(webrtc(4), true)).toContain('its view stream does not come')
    expect(text(webrtc(4, { role: 'view' }), true)).toBe("WebRTC, the camera's own H.264+0 ms")
    expect(text(webrtc(4, { role: 'view', exact: false }), true)).toContain('by arrival')
  })

  it('says why it comes as pictures', () => {
    expect(text({ kind: 'pictures', why: 'too many viewers' })).toBe(
      'Pictures (JPEG): too many viewers',
    )
  })
})
