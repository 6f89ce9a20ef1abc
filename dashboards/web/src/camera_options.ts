/** What a camera is told beside its address. */
import { WHOLE } from './areas'
import type { CameraOptions } from './rest'

export const DEFAULTS: CameraOptions = {
  transport: 'tcp',
  connect_timeout: null,
  read_timeout: null,
  decoder: 'cpu',
  analysed: 'all',
  region: WHOLE,
  masks: [],
}

/** Those that are others now; null where none is. */
export function changed(before: CameraOptions, now: CameraOptions): Partial<CameraOptions> | null {
  const names = Object.keys(now) as (keyof CameraOptions)[]
  const others = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]))
  if (others.length === 0) return null
  return Object.fromEntries(others.map((name) => [name, now[name]]))
}
