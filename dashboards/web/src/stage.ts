/** The picture and its boxes; both change in one step, so that no box is ever another frame's. */
import { cut, cutoutOf } from './cutout'
import { Overlay, type Measure } from './overlay'
import type { Screen } from './pairing'
import type { Boxes } from './timeline'
import { revised } from './revision'
import type { FaceMessage, FrameMessage, RevisionMessage } from './wire'

export class Stage implements Screen<ImageBitmap> {
  /** The track that is chosen, if any. */
  selected: number | null = null
  private readonly overlay: Overlay
  private boxes: Boxes | null = null
  private shown = 0
  private readonly sizes: ResizeObserver

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly svg: SVGSVGElement,
    private readonly changed: (faces: readonly FaceMessage[]) => void,
  ) {
    this.overlay = new Overlay(svg, measureIn(canvas.ownerDocument))
    this.sizes = new ResizeObserver(([entry]) => {
      this.shown = entry?.contentRect.width ?? 0
    })
    this.sizes.observe(canvas)
  }

  draw(seq: number, picture: ImageBitmap, result: FrameMessage | null): void {
    this.paint(picture, picture.width, picture.height)
    picture.close()
    this.label('seq', seq)
    this.annotate(result)
  }

  /** A picture of video and its boxes, both of `mediaTime`; null where that is not known. */
  show(picture: VideoFrame, mediaTime: number | null, boxes: Boxes | null): void {
    this.paint(picture, picture.displayWidth, picture.displayHeight)
    this.label('mediaTime', mediaTime)
    this.mark(boxes)
  }

  annotate(result: FrameMessage | null): void {
    this.mark(result && { frame: result, exact: true })
  }

  /** Correct the names at the picture that is shown. */
  revise(revision: RevisionMessage): void {
    if (this.boxes === null) return
    const frame = revised(this.boxes.frame, revision)
    if (frame !== this.boxes.frame) this.mark({ ...this.boxes, frame })
  }

  discard(picture: ImageBitmap): void {
    picture.close()
  }

  /** Take the boxes away: they are not of now any more. */
  forget(): void {
    this.mark(null)
  }

  /** Everything away, the picture too. */
  blank(): void {
    const { canvas } = this
    canvas.getContext('2d', { alpha: false })?.clearRect(0, 0, canvas.width, canvas.height)
    this.label('seq', null)
    this.mark(null)
  }

  close(): void {
    this.sizes.disconnect()
  }

  /** A judged face of the drawn frame. */
  face(track: number): FaceMessage | null {
    return this.boxes?.frame.faces.find((face) => face.track === track) ?? null
  }

  /** The face as it is on screen at this moment. */
  async cutout(face: FaceMessage): Promise<File> {
    return cut(this.canvas, cutoutOf(face.box, this.boxes?.frame ?? this.canvas, this.canvas))
  }

  private paint(picture: CanvasImageSource, width: number, height: number): void {
    const { canvas } = this
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width
      canvas.height = height
    }
    // The size is given, as a turned picture has another one inside.
    canvas.getContext('2d', { alpha: false })?.drawImage(picture, 0, 0, width, height)
  }

  /** Say which picture is drawn, by its number or by its time. */
  private label(by: 'seq' | 'mediaTime', value: number | null): void {
    for (const { dataset } of [this.canvas, this.svg]) {
      delete dataset.seq
      delete dataset.mediaTime
      if (value !== null) dataset[by] = String(value)
    }
  }

  private mark(boxes: Boxes | null): void {
    this.boxes = boxes
    if (boxes === null) this.overlay.clear()
    else this.overlay.show(boxes, this.shown ? boxes.frame.width / this.shown : 1, this.selected)
    this.changed(boxes?.frame.faces ?? [])
  }
}

function measureIn(page: Document): Measure {
  const context = page.createElement('canvas').getContext('2d')
  if (context === null) return (text) => text.length * 0.6
  context.font = '600 100px system-ui, sans-serif'
  return (text) => context.measureText(text).width / 100
}
