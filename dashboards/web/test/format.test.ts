import { expect, test } from 'vitest'

import { streamed } from '../src/format'
import type { Stream } from '../src/rest'

const STREAM: Stream = {
  codec: 'H.264',
  width: 960,
  height: 540,
  bit_rate: 812_345,
  key_interval: 2,
  pictures_per_second: 12.51,
  decoded_per_second: 12.51,
  analysed_per_second: 6.2,
  delay_p50: 0.03,
  delay_p95: 0.0447,
  connections: 1,
  transport: 'tcp',
  decoder: 'cpu',
}

test('a stream is told in one line', () => {
  expect(streamed(STREAM)).toBe(
    'H.264 960×540 · 12.5 pictures/s, 6.2 analysed · 0.8 Mbit/s · names after 45 ms',
  )
})

test('what is not usual is told', () => {
  expect(streamed({ ...STREAM, transport: 'udp', decoder: 'cuda' })).toContain(
    'by UDP · decoded by a GPU',
  )
})

test('what is not known is not told', () => {
  const published = { ...STREAM, codec: 'WebRTC', bit_rate: null, pictures_per_second: 0, delay_p95: null }
  expect(streamed({ ...published, connections: 3 })).toBe(
    'WebRTC 960×540 · 12.5 pictures/s, 6.2 analysed · connected 3 times',
  )
})
