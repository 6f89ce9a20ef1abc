/** The picture and its boxes; both change in one step, so that no box is ever another frame's. */
import { cut, cutoutOf } from './cutout'
import { Overlay, type Measure } from './overlay'
import type { Screen } from './pairing'
import type { FaceMessage, FrameMessage } from './wire'

export class Stage implements Screen<ImageBitmap> {
  /** The track that is chosen, if any. */
  selected: number | null = null
  private readonly overlay: Overlay
  private frame: FrameMessage | null = null
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
    const { canvas } = this
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      canvas.width = picture.width
      canvas.height = picture.height
    }
    canvas.getContext('2d', { alpha: false })?.drawImage(picture, 0, 0)
    picture.close()
    canvas.dataset.seq = this.svg.dataset.seq = String(seq)
    this.mark(result)
  }

  annotate(result: FrameMessage): void {
    this.mark(result)
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
    delete canvas.dataset.seq
    delete this.svg.dataset.seq
    this.mark(null)
  }

  close(): void {
    this.sizes.disconnect()
  }

  /** A judged face of the drawn frame. */
  face(track: number): FaceMessage | null {
    return this.frame?.faces.find((face) => face.track === track) ?? null
  }

  /** The face as it is on screen at this moment. */
  async cutout(face: FaceMessage): Promise<File> {
    return cut(this.canvas, cutoutOf(face.box, this.frame ?? this.canvas, this.canvas))
  }

  private mark(result: FrameMessage | null): void {
    this.frame = result
    if (result === null) this.overlay.clear()
    else this.overlay.show(result, this.shown ? result.width / this.shown : 1, this.selected)
    this.changed(result?.faces ?? [])
  }
}

function measureIn(page: Document): Measure {
  const context = page.createElement('canvas').getContext('2d')
  if (context === null) return (text) => text.length * 0.6
  context.font = '600 100px system-ui, sans-serif'
  return (text) => context.measureText(text).width / 100
}
