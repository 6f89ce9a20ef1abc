/** Boxes and names over a picture, made by hand: they must change in one step with it. */
import type { Boxes } from './timeline'
import type { FaceMessage } from './wire'

const SVG = 'http://www.w3.org/2000/svg'
const TEXT = 13
const TAG = 20
const PADDING = 6

/** Width of a text in units of its size. */
export type Measure = (text: string) => number

interface Mark {
  group: SVGGElement
  box: SVGRectElement
  tag: SVGRectElement
  name: SVGTextElement
}

export class Overlay {
  /** Whose similarity is shown: a track. */
  private pointed: number | null = null
  private readonly marks = new Map<number, Mark>()
  private readonly similarity = made('text', { 'data-testid': 'similarity', class: 'similarity' })

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly measure: Measure,
  ) {
    svg.addEventListener('pointerover', (event) => {
      this.pointed = trackOf(event.target)
    })
    svg.addEventListener('pointerleave', () => {
      this.pointed = null
    })
  }

  /** The faces of a frame; `unit` is a pixel of the screen in pixels of the frame.
   *
   * Boxes that are not `exact` are estimated from other frames' and drawn thinner.
   */
  show({ frame, exact }: Boxes, unit: number, selected: number | null): void {
    this.svg.setAttribute('viewBox', `0 0 ${frame.width} ${frame.height}`)
    this.svg.dataset.boxes = exact ? String(frame.seq) : 'estimated'
    this.svg.dataset.boxesTime = exact ? String(frame.media_time) : 'estimated'
    this.forget(new Set(frame.faces.map((face) => face.track)))
    for (const face of frame.faces) this.place(face, unit, selected)
    const chosen = this.pointed ?? selected
    this.tell(frame.faces.find((face) => face.track === chosen) ?? null, unit)
  }

  clear(): void {
    delete this.svg.dataset.boxes
    delete this.svg.dataset.boxesTime
    this.forget(new Set())
    this.similarity.remove()
  }

  private forget(present: ReadonlySet<number>): void {
    for (const [track, mark] of this.marks) {
      if (present.has(track)) continue
      mark.group.remove()
      this.marks.delete(track)
    }
  }

  private place(face: FaceMessage, unit: number, selected: number | null): void {
    const mark = this.marks.get(face.track) ?? this.begin(face.track)
    const [x, y, width, height] = face.box
    set(mark.group, { 'data-status': face.status, 'data-person': face.person })
    mark.group.classList.toggle('selected', face.track === selected)
    set(mark.box, { x, y, width, height, rx: 4 * unit })
    const text = labelOf(face)
    mark.name.textContent = text
    const above = y > TAG * unit ? y - TAG * unit : y
    const wide = (this.measure(text) * TEXT + 2 * PADDING) * unit
    set(mark.tag, { x, y: above, width: text ? wide : 0, height: TAG * unit, rx: 4 * unit })
    const line = above + 14.5 * unit
    set(mark.name, { x: x + PADDING * unit, y: line, 'font-size': TEXT * unit })
  }

  private begin(track: number): Mark {
    const group = made('g', { 'data-testid': 'face', 'data-track': track })
    const box = made('rect', { class: 'box' })
    const tag = made('rect', { class: 'tag' })
    const name = made('text', { class: 'name' })
    group.append(box, tag, name)
    this.svg.append(group)
    const mark = { group, box, tag, name }
    this.marks.set(track, mark)
    return mark
  }

  private tell(face: FaceMessage | null, unit: number): void {
    if (face === null || face.similarity === null || labelOf(face) === '') {
      this.similarity.remove()
      return
    }
    const [x, y, , height] = face.box
    const [left, below] = [x + 2 * unit, y + height + 16 * unit]
    set(this.similarity, { x: left, y: below, 'font-size': TEXT * unit })
    this.similarity.textContent = similarityText(face.similarity)
    this.svg.append(this.similarity)
  }
}

/** What stands at a face: nothing where it was not judged. */
export function labelOf(face: FaceMessage): string {
  if (face.status === 'known') return face.name ?? 'unnamed'
  return face.status === 'unknown' ? 'unknown' : ''
}

/** A similarity is no probability: three digits and no percent. */
export function similarityText(similarity: number): string {
  return `similarity ${similarity.toFixed(3)}`
}

/** The track of the face that something belongs to. */
export function trackOf(target: EventTarget | null): number | null {
  const group = target instanceof Element ? target.closest<SVGGElement>('[data-track]') : null
  return group === null ? null : Number(group.dataset.track)
}

type Attributes = Record<string, string | number | null>

function made<K extends 'g' | 'rect' | 'text'>(kind: K, attributes: Attributes) {
  const element = document.createElementNS(SVG, kind)
  set(element, attributes)
  return element
}

function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name)
    else element.setAttribute(name, String(value))
  }
}
