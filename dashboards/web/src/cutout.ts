/** A face cut out of a picture, with enough around it to be found again. */

export interface Square {
  x: number
  y: number
  width: number
  height: number
}

export type BoxNumbers = readonly [x: number, y: number, width: number, height: number]

interface Size {
  width: number
  height: number
}

/** A square of twice the box about its centre, clipped to the picture, in whole pixels.
 *
 * `frame` is what the box was measured in; the picture may have been sent smaller.
 */
export function cutoutOf(box: BoxNumbers, frame: Size, picture: Size): Square {
  const [x, y, width, height] = box
  const side = 2 * Math.max(width, height)
  const [kx, ky] = [picture.width / frame.width, picture.height / frame.height]
  const left = clipped((x + width / 2 - side / 2) * kx, picture.width)
  const right = clipped((x + width / 2 + side / 2) * kx, picture.width)
  const top = clipped((y + height / 2 - side / 2) * ky, picture.height)
  const bottom = clipped((y + height / 2 + side / 2) * ky, picture.height)
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** Copies at once, so that the next frame does not come in between; then makes a JPEG of it. */
export function cut(picture: HTMLCanvasElement, { x, y, width, height }: Square): Promise<File> {
  const copy = document.createElement('canvas')
  copy.width = width
  copy.height = height
  copy.getContext('2d')?.drawImage(picture, x, y, width, height, 0, 0, width, height)
  return new Promise((resolve, reject) => {
    const done = (blob: Blob | null): void => {
      if (blob === null) reject(new Error('The face could not be cut out of the picture.'))
      else resolve(new File([blob], 'on-screen.jpg', { type: 'image/jpeg' }))
    }
    copy.toBlob(done, 'image/jpeg', 0.95)
  })
}

function clipped(at: number, size: number): number {
  return Math.min(size, Math.max(0, Math.round(at)))
}
