/** A camera's further streams, as they are typed. */
import type { Camera, CameraChange } from './rest'

/** By what they are for; empty: the analysed one serves. */
export interface TypedStreams {
  view: string
  detail: string
}

type Streams = Camera['streams']
const USES = ['view', 'detail'] as const

export function typed(streams: Streams | undefined): TypedStreams {
  return { view: streams?.view ?? '', detail: streams?.detail ?? '' }
}

/** What is to be sent of a new camera. */
export function added(now: TypedStreams): Streams {
  return { view: now.view.trim() || null, detail: now.detail.trim() || null }
}

/** What is another than it was; null where nothing is. Addresses that are shown have no password. */
export function changedStreams(was: Streams, now: TypedStreams): CameraChange['streams'] | null {
  const others = USES.filter((use) => now[use].trim() !== (was[use] ?? ''))
  if (others.length === 0) return null
  return Object.fromEntries(others.map((use) => [use, now[use].trim() || null]))
}
