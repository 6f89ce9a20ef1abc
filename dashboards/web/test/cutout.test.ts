import { describe, expect, it } from 'vitest'

import { cutoutOf } from '../src/cutout'

const FRAME = { width: 960, height: 540 }

describe('cutoutOf', () => {
  it('is a square of twice the longer side, about the centre', () => {
    const square = cutoutOf([400, 200, 80, 100], FRAME, FRAME)
    expect(square).toEqual({ x: 340, y: 150, width: 200, height: 200 })
  })

  it('is clipped to the picture', () => {
    expect(cutoutOf([10, 5, 100, 100], FRAME, FRAME)).toEqual({ x: 0, y: 0, width: 160, height: 155 })
    expect(cutoutOf([900, 500, 100, 100], FRAME, FRAME)).toEqual({
      x: 850,
      y: 450,
      width: 110,
      height: 90,
    })
  })

  it('is larger than no picture', () => {
    const square = cutoutOf([-50, -50, 2000, 2000], FRAME, FRAME)
    expect(square).toEqual({ x: 0, y: 0, width: 960, height: 540 })
  })

  it('follows a picture that was sent smaller than the frame', () => {
    const square = cutoutOf([400, 200, 80, 100], FRAME, { width: 480, height: 270 })
    expect(square).toEqual({ x: 170, y: 75, width: 100, height: 100 })
  })

  it('is in whole pixels', () => {
    const square = cutoutOf([100.3, 100.7, 33.3, 41.9], FRAME, FRAME)
    expect(Object.values(square).every(Number.isInteger)).toBe(true)
  })
})
