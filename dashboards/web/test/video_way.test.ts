import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'

import VideoWay from '../src/components/VideoWay.vue'
import type { Way } from '../src/follow'

const text = (way: Way): string => mount(VideoWay, { props: { way } }).text()

describe('VideoWay', () => {
  it('says by which way the video comes, who encoded it, and how long it is held back', () => {
    expect(text({ kind: 'webrtc', delay: 183, encoded: false })).toBe(
      "WebRTC, the camera's own H.264+180 ms",
    )
    expect(text({ kind: 'webrtc', delay: 4, encoded: true })).toContain('encoded here')
    expect(text({ kind: 'webrtc', delay: 4, encoded: null })).toBe('WebRTC+0 ms')
  })

  it('says why it comes as pictures', () => {
    expect(text({ kind: 'pictures', why: 'too many viewers' })).toBe(
      'Pictures (JPEG): too many viewers',
    )
  })
})
