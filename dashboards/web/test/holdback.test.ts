import { describe, expect, it } from 'vitest'

import { Holdback, percentile } from '../src/holdback'

/** A browser that holds back as it is told: results come `late` after their frames' arrival. */
function run(holdback: Holdback, seconds: number, late: (frame: number) => number, begin = 0): number {
  let frame = begin
  for (let now = 0; now < seconds * 1000; now += 200, frame += 1) {
    holdback.shown(frame, now + holdback.target)
    holdback.arrived(frame, now + late(frame))
    holdback.adapt(begin * 200 + now)
  }
  return frame
}

describe('Holdback', () => {
  it('rises until results are in time, with a little in hand, and stays there', () => {
    const holdback = new Holdback(0)
    const next = run(holdback, 20, () => 280)
    expect(holdback.target).toBe(300)
    run(holdback, 20, () => 280, next)
    expect(holdback.target).toBe(300)
  })

  it('falls where results are early, and never below nothing', () => {
    const holdback = new Holdback(0)
    run(holdback, 60, () => -200)
    expect(holdback.target).toBe(0)
  })

  it('never holds back for longer than half a second', () => {
    const holdback = new Holdback(0)
    run(holdback, 60, () => 3000)
    expect(holdback.target).toBe(500)
  })

  it('takes its time on the way down, as one late result in twenty is no reason to rise', () => {
    const holdback = new Holdback(0)
    for (let frame = 0; frame < 40; frame += 1) {
      holdback.shown(frame, 100)
      holdback.arrived(frame, frame % 25 === 0 ? 1000 : 100)
    }
    expect(holdback.adapt(2000)).toBe(true)
    expect(holdback.target).toBe(120)
  })

  it('changes every two seconds, and only where there are results', () => {
    const holdback = new Holdback(0)
    expect(holdback.adapt(9000)).toBe(false)
    holdback.arrived(1, 500)
    holdback.shown(1, 100)
    expect(holdback.adapt(1999)).toBe(false)
    expect(holdback.adapt(2000)).toBe(true)
  })

  it('forgets frames that have no result, and results that have no frame', () => {
    const holdback = new Holdback(0)
    for (let frame = 0; frame < 10_000; frame += 1) holdback.shown(frame, frame)
    holdback.arrived(0, 500)
    holdback.arrived(9999, 9999 + 30)
    expect(holdback.adapt(2000)).toBe(true)
    expect(holdback.target).toBe(150)
  })
})

describe('percentile', () => {
  it('is the least number that a share does not exceed', () => {
    const numbers = Array.from({ length: 20 }, (_, at) => 20 - at)
    expect([0.05, 0.5, 0.95, 1].map((share) => percentile(numbers, share))).toEqual([1, 10, 19, 20])
    expect(percentile([], 0.5)).toBe(0)
  })
})
