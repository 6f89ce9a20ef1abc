import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { Stage } from '../src/stage'
import type { FaceMessage } from '../src/wire'
import { face, frame } from './samples'

describe('Stage', () => {
  let canvas: HTMLCanvasElement
  let svg: SVGSVGElement
  let told: (readonly FaceMessage[])[]
  let closed: number
  let stage: Stage
  const video = (displayWidth: number, displayHeight: number): VideoFrame =>
    ({ displayWidth, displayHeight }) as unknown as VideoFrame
  const picture = (): ImageBitmap =>
    ({ width: 960, height: 540, close: () => (closed += 1) })

  beforeEach(() => {
    canvas = document.createElement('canvas')
    svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    ;[told, closed] = [[], 0]
    stage = new Stage(canvas, svg, (faces) => told.push(faces))
  })
  afterEach(() => {
    stage.close()
  })

  it('says of picture and boxes which frame they are of', () => {
    const result = { ...frame(7, [face(1)]), media_time: 5000 }
    stage.show(video(960, 540), 5000, { frame: result, exact: true })
    expect(canvas.dataset.mediaTime).toBe('5000')
    expect(svg.dataset).toMatchObject({ mediaTime: '5000', boxes: '7', boxesTime: '5000' })
    expect(told).toEqual([result.faces])
  })

  it('says that boxes are estimated, and that there are none', () => {
    stage.show(video(960, 540), 6000, { frame: frame(7, [face(1)]), exact: false })
    expect(svg.dataset).toMatchObject({ mediaTime: '6000', boxesTime: 'estimated' })
    stage.show(video(960, 540), 7000, null)
    expect(svg.dataset.mediaTime).toBe('7000')
    expect(svg.dataset.boxesTime).toBeUndefined()
    expect(told.at(-1)).toEqual([])
  })

  it('is as large as the video, which may change; boxes stay in pixels of the result', () => {
    stage.show(video(1280, 720), 1, { frame: frame(1, [face(1)]), exact: true })
    expect([canvas.width, canvas.height]).toEqual([1280, 720])
    expect(svg.getAttribute('viewBox')).toBe('0 0 960 540')
    stage.show(video(720, 1280), 2, null)
    expect([canvas.width, canvas.height]).toEqual([720, 1280])
  })

  it('goes over from video to pictures and back', () => {
    stage.show(video(960, 540), 5000, null)
    stage.draw(3, picture(), frame(3, [face(1)]))
    expect(canvas.dataset).toEqual({ seq: '3' })
    expect(svg.dataset.boxes).toBe('3')
    expect(closed).toBe(1)
    stage.show(video(960, 540), null, null)
    expect(canvas.dataset).toEqual({})
  })

  it('knows a face of the drawn frame, and none after it was forgotten', () => {
    stage.show(video(960, 540), 1, { frame: frame(1, [face(4)]), exact: false })
    expect(stage.face(4)?.track).toBe(4)
    stage.forget()
    expect(stage.face(4)).toBeNull()
  })

  it('shows nothing after it was blanked', () => {
    stage.show(video(960, 540), 1, { frame: frame(1, [face(4)]), exact: true })
    stage.blank()
    expect(canvas.dataset.mediaTime).toBeUndefined()
    expect(svg.children).toHaveLength(0)
  })
})
