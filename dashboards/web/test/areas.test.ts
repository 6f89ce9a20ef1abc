import { describe, expect, it } from 'vitest'

import { between, cornersText, masksOf, masksText, placeIn, regionOf, regionText } from '../src/areas'

const BOX = { left: 100, top: 50, width: 400, height: 200 } as DOMRect

describe('parts of a picture', () => {
  it('are fractions of it, and never beside it', () => {
    expect(placeIn(BOX, { clientX: 200, clientY: 100 })).toEqual([0.25, 0.25])
    expect(placeIn(BOX, { clientX: 0, clientY: 999 })).toEqual([0, 1])
    expect(placeIn({ left: 100, top: 50, width: 0, height: 200 } as DOMRect, { clientX: 200, clientY: 100 })).toEqual([0, 0.25])
  })

  it('are rectangles between any two opposite corners that have an area', () => {
    const region = { x: 0.1, y: 0.2, width: 0.3, height: 0.5 }
    expect(between([0.1, 0.2], [0.4, 0.7])).toEqual(region)
    expect(between([0.4, 0.2], [0.1, 0.7])).toEqual(region)
    expect(between([0.4, 0.2], [0.4, 0.7])).toBeNull()
  })

  it.each(['0,0,1,1', '0.5,0.25,0.5,0.75', '0.2,0.8,0.1,0.2'])('reads the region %s', (text) => {
    const region = regionOf(text)
    expect(region && regionText(region)).toBe(text)
  })

  it.each(['', '0,0,1', '0,0,1,1,1', '0.5,0,0.6,1', '0,0,0,1', 'a,b,c,d', '0,0,,1', '-1,0,1,1'])(
    'does not take "%s" for a region',
    (text) => expect(regionOf(text)).toBeNull(),
  )

  it('reads masks line by line as it writes them', () => {
    const text = '0,0 0.5,0 0.5,0.3\n0.1,0.1 0.2,0.1 0.2,0.2 0.1,0.2'
    const masks = masksOf(`\n${text}\n\n`)
    expect(masks).toHaveLength(2)
    expect(masksText(masks ?? [])).toBe(text)
    expect(masksOf('')).toEqual([])
    expect(cornersText([[0, 1]])).toBe('0,1')
  })

  it.each(['0,0 1,1', '0,0 1,1 2,0', '0,0 1,1 0', '0,0 1,1 1,0,1', 'x', '0,0 '.repeat(65)])(
    'does not take "%s" for a mask',
    (text) => expect(masksOf(text)).toBeNull(),
  )
})
