import { beforeEach, describe, expect, it } from 'vitest'

import { Timeline } from '../src/timeline'
import type { FaceMessage, FrameMessage } from '../src/wire'
import { face, frame } from './samples'

/** Ticks in a millisecond. */
const MS = 90

function at(ms: number, faces: FaceMessage[], more: Partial<FrameMessage> = {}): FrameMessage {
  return { ...frame(ms, faces), media_time: ms * MS, ...more }
}

const ada = { status: 'known', person: 'p1', name: 'Ada' } as const

describe('Timeline', () => {
  let timeline: Timeline
  let maxAge: number
  const boxes = (ms: number): unknown[] | undefined =>
    timeline.at(ms * MS)?.frame.faces.map((one) => one.box)

  beforeEach(() => {
    maxAge = 2
    timeline = new Timeline(() => maxAge)
  })

  it('has nothing before the first result', () => {
    expect(timeline.at(0)).toBeNull()
    timeline.add(at(100, [face(1)]))
    expect(timeline.at(99 * MS)).toBeNull()
  })

  it('gives a frame whose time is rounded the result that is its own', () => {
    const results = [at(100, [face(1)]), at(180, [face(2)])]
    for (const result of results) timeline.add(result)
    for (const ticks of [-9, -1, 2, 9]) {
      expect(timeline.at(100 * MS + ticks, 9)).toEqual({ frame: results[0], exact: true })
      expect(timeline.at(180 * MS + ticks, 9)).toEqual({ frame: results[1], exact: true })
    }
    expect(timeline.at(100 * MS - 10, 9)).toBeNull()
    expect(timeline.at(180 * MS - 10, 9)?.exact).toBe(false)
  })

  it('gives a frame with a result exactly that one', () => {
    const results = [at(0, [face(1)]), at(200, [face(2)]), at(400, [])]
    for (const result of results) timeline.add(result)
    for (const result of results) {
      expect(timeline.at(result.media_time)).toEqual({ frame: result, exact: true })
    }
  })

  it('one tick beside a result, boxes are estimated', () => {
    timeline.add(at(0, [face(1)]))
    expect(timeline.at(1)?.exact).toBe(false)
  })

  it('puts a box between those of two results', () => {
    timeline.add(at(0, [face(1, { ...ada, box: [100, 0, 50, 60] })]))
    timeline.add(at(200, [face(1, { ...ada, box: [180, 40, 70, 60] })]))
    expect(boxes(50)).toEqual([[120, 10, 55, 60]])
    expect(timeline.at(50 * MS)?.frame.faces[0]?.name).toBe('Ada')
  })

  it('puts results in order that came in another', () => {
    timeline.add(at(200, [face(1, { box: [200, 0, 10, 10] })]))
    timeline.add(at(0, [face(1, { box: [0, 0, 10, 10] })]))
    expect(boxes(100)).toEqual([[100, 0, 10, 10]])
  })

  it('between two results shows only tracks of both', () => {
    timeline.add(at(0, [face(1), face(2)]))
    timeline.add(at(200, [face(2), face(3)]))
    expect(timeline.at(100 * MS)?.frame.faces.map((one) => one.track)).toEqual([2])
  })

  it.each([
    ['given', face(1), face(1, ada)],
    ['taken back', face(1, ada), face(1)],
    ['changed', face(1, ada), face(1, { ...ada, person: 'p2', name: 'Eve' })],
  ])('names nobody between two results of which a name was %s', (_, first, second) => {
    timeline.add(at(0, [first]))
    timeline.add(at(200, [second]))
    const [shown] = timeline.at(100 * MS)?.frame.faces ?? []
    expect([shown?.status, shown?.person, shown?.name]).toEqual(['pending', null, null])
  })

  it('estimates nothing between results that are far apart', () => {
    timeline.add(at(0, [face(1)]))
    timeline.add(at(1001, [face(1)]))
    expect(timeline.at(500 * MS)).toBeNull()
  })

  it('goes on past the last result as the face moved, and not far', () => {
    timeline.add(at(0, [face(1, { box: [100, 100, 50, 60] })]))
    timeline.add(at(200, [face(1, { box: [140, 80, 50, 60] }), face(2, { box: [1, 2, 3, 4] })]))
    expect(boxes(300)).toEqual([
      [160, 70, 50, 60],
      [1, 2, 3, 4],
    ])
    expect(boxes(500)).toHaveLength(2)
    expect(timeline.at(501 * MS)).toBeNull()
  })

  it('draws nothing that is older than the service lets it', () => {
    maxAge = 0.1
    timeline.add(at(0, [face(1)]))
    expect(boxes(100)).toHaveLength(1)
    expect(timeline.at(101 * MS)).toBeNull()
    timeline.add(at(300, [face(1)]))
    expect(timeline.at(150 * MS)).toBeNull()
    expect(timeline.at(300 * MS)?.exact).toBe(true)
    maxAge = 0
    expect(timeline.at(300 * MS)?.exact).toBe(true)
    expect(timeline.at(301 * MS)).toBeNull()
  })

  it('gives no boxes to a picture that is far behind, not even its own', () => {
    for (const ms of [0, 500, 2500]) timeline.add(at(ms, [face(1)]))
    expect(timeline.at(499 * MS)).toBeNull()
    expect(timeline.at(0)).toBeNull()
    expect(timeline.at(500 * MS)?.exact).toBe(true)
  })

  it('takes boxes to be where they were where the result before is of another time', () => {
    timeline.add(at(0, [face(1, { box: [0, 0, 10, 10] })]))
    timeline.add(at(5000, [face(1, { box: [90, 0, 10, 10] })]))
    expect(boxes(5100)).toEqual([[90, 0, 10, 10]])
  })

  it('never estimates a box without any size', () => {
    timeline.add(at(0, [face(1, { box: [0, 0, 100, 100] })]))
    timeline.add(at(100, [face(1, { box: [0, 0, 10, 10] })]))
    expect(boxes(300)).toEqual([[0, 0, 1, 1]])
  })

  it('follows a camera that changes its resolution', () => {
    timeline.add(at(0, [face(1, { box: [100, 100, 50, 60] })]))
    const half = { width: 480, height: 270 }
    timeline.add(at(100, [face(1, { box: [50, 50, 25, 30] })], half))
    expect(boxes(50)).toEqual([[100, 100, 50, 60]])
    expect(boxes(200)).toEqual([[50, 50, 25, 30]])
    expect(timeline.at(200 * MS)?.frame.width).toBe(480)
  })

  it('keeps a bounded number of results, the newest, and the same one once', () => {
    timeline = new Timeline(() => maxAge, 2)
    for (const ms of [0, 100, 100, 200]) timeline.add(at(ms, []))
    expect(timeline.at(0)).toBeNull()
    expect(timeline.at(100 * MS)?.exact).toBe(true)
    timeline.clear()
    expect(timeline.at(200 * MS)).toBeNull()
  })
})
