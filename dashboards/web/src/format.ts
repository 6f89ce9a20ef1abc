/** Times and counts as a person reads them. */
import type { CheckedCamera, Stream } from './rest'

/** Since when: a time of day, or the day too where it was not today. Unix seconds. */
export function moment(seconds: number, now = new Date()): string {
  const then = new Date(seconds * 1000)
  const time = then.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  return then.toDateString() === now.toDateString() ? time : `${then.toLocaleDateString()} ${time}`
}

export function counted(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}

/** How often a process had to be begun again; empty where it never had to. */
export function begunAgain({ restarts }: { restarts: number }): string {
  return restarts === 0 ? '' : `begun again ${counted(restarts, 'time', 'times')}`
}

/** A second and more: a clock so far from ours is worth a word. */
const SKEWED = 1

/** How far a camera's clock is from ours; empty where that hurts nobody, or is not known. */
export function skewed(seconds: number | null): string {
  if (seconds === null || Math.abs(seconds) < SKEWED) return ''
  return `clock ${Math.abs(seconds).toFixed(0)} s ${seconds > 0 ? 'ahead' : 'behind'}`
}

/** What was seen of a camera that was tried. */
export function checked(seen: CheckedCamera): string {
  const { bit_rate: bits, key_interval: keys } = seen
  return [
    `${seen.codec} ${seen.width}×${seen.height}`,
    `${seen.pictures_per_second.toFixed(1)} pictures/s`,
    ...(bits ? [`${(bits / 1e6).toFixed(1)} Mbit/s`] : []),
    ...(keys === null ? [] : [`key picture every ${keys.toFixed(1)} s`]),
    `first picture after ${seen.first_picture.toFixed(1)} s`,
    skewed(seen.clock_skew),
  ]
    .filter(Boolean)
    .join(' · ')
}

/** What comes of a camera: its video, how much of it is analysed, and how late results are. */
export function streamed(stream: Stream): string {
  const { codec, width, height, bit_rate: bits, key_interval: keys, delay_p95: late } = stream
  const rate = stream.pictures_per_second || stream.decoded_per_second
  return [
    `${codec} ${width}×${height}`,
    `${rate.toFixed(1)} pictures/s, ${stream.analysed_per_second.toFixed(1)} analysed`,
    ...(stream.dropped_per_second > 0 ? [`${stream.dropped_per_second.toFixed(1)} dropped`] : []),
    ...(bits ? [`${(bits / 1e6).toFixed(1)} Mbit/s`] : []),
    ...(keys === null ? [] : [`key picture every ${keys.toFixed(1)} s`]),
    ...(late === null ? [] : [`names after ${Math.round(late * 1000)} ms`]),
    ...(stream.transport === 'udp' ? ['by UDP'] : []),
    ...(stream.decoder === 'cuda' ? ['decoded by a GPU'] : []),
    ...(stream.connections > 1 ? [`connected ${stream.connections} times`] : []),
    skewed(stream.clock_skew),
  ]
    .filter(Boolean)
    .join(' · ')
}
