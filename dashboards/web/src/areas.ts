/** Parts of a picture, in fractions of it: (0, 0) is its top left corner, (1, 1) the bottom right one. */
import type { Polygon, Region } from './rest'

export type Point = [number, number]

export const WHOLE: Region = { x: 0, y: 0, width: 1, height: 1 }
/** Corners of a mask that the service takes. */
export const LEAST_CORNERS = 3
export const MOST_CORNERS = 64

/** Where in an element something happened; what is beside it counts as on its edge. */
export function placeIn(box: DOMRect, at: { clientX: number; clientY: number }): Point {
  const part = (offset: number, length: number): number =>
    rounded(Math.min(1, Math.max(0, length > 0 ? offset / length : 0)))
  return [part(at.clientX - box.left, box.width), part(at.clientY - box.top, box.height)]
}

/** The rectangle between two corners; null where it has no area. */
export function between([x0, y0]: Point, [x1, y1]: Point): Region | null {
  const [width, height] = [rounded(Math.abs(x1 - x0)), rounded(Math.abs(y1 - y0))]
  if (width === 0 || height === 0) return null
  return { x: Math.min(x0, x1), y: Math.min(y0, y1), width, height }
}

/** As it is typed: `x,y,width,height`. */
export function regionText({ x, y, width, height }: Region): string {
  return [x, y, width, height].join(',')
}

/** Null: it is none. */
export function regionOf(text: string): Region | null {
  const [x, y, width, height, ...more] = numbersOf(text)
  if (x === undefined || y === undefined || width === undefined || height === undefined) return null
  const fits = width > 0 && height > 0 && x + width <= 1 + 1e-9 && y + height <= 1 + 1e-9
  return fits && more.length === 0 ? { x, y, width, height } : null
}

/** One mask a line, its corners as `x,y` with spaces between them. */
export function masksText(masks: readonly Polygon[]): string {
  return masks.map(cornersText).join('\n')
}

/** As SVG has it, too. */
export function cornersText(mask: readonly Point[]): string {
  return mask.map((corner) => corner.join(',')).join(' ')
}

/** Null: one of the lines is none. */
export function masksOf(text: string): Polygon[] | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const masks = lines.map((line) => line.trim().split(/\s+/).map(cornerOf))
  const sound = masks.every(
    (mask) =>
      mask.length >= LEAST_CORNERS && mask.length <= MOST_CORNERS && !mask.includes(null),
  )
  return sound ? (masks as Polygon[]) : null
}

function cornerOf(text: string): Point | null {
  const [x, y, ...more] = numbersOf(text)
  return x === undefined || y === undefined || more.length > 0 ? null : [x, y]
}

/** Fractions with commas between them; empty where one is none. */
function numbersOf(text: string): number[] {
  const parts = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
  return parts.every((part) => part >= 0 && part <= 1) ? parts : []
}

function rounded(part: number): number {
  return Math.round(part * 1000) / 1000
}
