import { expect, test } from 'vitest'

import { checked, skewed, streamed } from '../src/format'
import type { Stream } from '../src/rest'

const STREAM: Stream = {
  codec: 'H.264',
  width: 960,
  height: 540,
  coded_bytes: 1_234_567,
  bit_rate: 812_345,
  key_interval: 2,
  pictures_per_second: 12.51,
  decoded_per_second: 12.51,
  analysed_per_second: 6.2,
  dropped_per_second: 0,
  delay_p50: 0.03,
  delay_p95: 0.0447,
  clock_skew: 0.02,
  connections: 1,
  transport: 'tcp',
  decoder: 'cpu',
}

test('a stream is told in one line', () => {
  expect(streamed(STREAM)).toBe(
    'H.264 960×540 · 12.5 pictures/s, 6.2 analysed · 0.8 Mbit/s · key picture every 2.0 s · names after 45 ms',
  )
})

test('what is not usual is told', () => {
  expect(streamed({ ...STREAM, transport: 'udp', decoder: 'cuda' })).toContain(
    'by UDP · decoded by a GPU',
  )
})

test('what is not known is not told', () => {
  const published = { ...STREAM, codec: 'WebRTC', bit_rate: null, key_interval: null, pictures_per_second: 0, delay_p95: null }
  expect(streamed({ ...published, connections: 3 })).toBe(
    'WebRTC 960×540 · 12.5 pictures/s, 6.2 analysed · connected 3 times',
  )
})

test('pictures that are dropped and a clock that is wrong are told', () => {
  const told = streamed({ ...STREAM, dropped_per_second: 3.25, clock_skew: -3600.4 })
  expect(told).toContain('6.2 analysed · 3.3 dropped')
  expect(told).toContain('clock 3600 s behind')
  expect(skewed(12.2)).toBe('clock 12 s ahead')
  expect(skewed(null)).toBe('')
})

test('what was seen of a camera that was tried is told in one line', () => {
  const seen = { ...STREAM, first_picture: 0.42, picture: '' }
  expect(checked(seen)).toBe(
    'H.264 960×540 · 12.5 pictures/s · 0.8 Mbit/s · key picture every 2.0 s · first picture after 0.4 s',
  )
})
