import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Pairing, type Screen } from '../src/pairing'
import type { FrameMessage } from '../src/wire'
import { frame } from './samples'

/** Writes down what is done: "3+3" is picture 3 with result 3. */
class Recorder implements Screen<string> {
  readonly shown: string[] = []
  readonly discarded: string[] = []

  draw(seq: number, picture: string, result: FrameMessage | null): void {
    expect(picture).toBe(`p${seq}`)
    this.shown.push(`${seq}${result ? `+${result.seq}` : ''}`)
  }

  annotate(result: FrameMessage): void {
    this.shown.push(`late ${result.seq}`)
  }

  discard(picture: string): void {
    this.discarded.push(picture)
  }
}

describe('Pairing', () => {
  let screen: Recorder
  let pairing: Pairing<string>
  const picture = (seq: number): void => pairing.picture(seq, `p${seq}`)
  const result = (seq: number): void => pairing.result(frame(seq))

  beforeEach(() => {
    vi.useFakeTimers()
    screen = new Recorder()
    pairing = new Pairing(screen, { pictures: 3, results: 4, wait: 300 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('draws a picture at once where its result is there', () => {
    result(1)
    picture(1)
    expect(screen.shown).toEqual(['1+1'])
  })

  it('holds a picture until its result comes', () => {
    picture(1)
    expect(screen.shown).toEqual([])
    result(1)
    expect(screen.shown).toEqual(['1+1'])
  })

  it('never draws a picture with the result of another', () => {
    result(1)
    picture(2)
    result(3)
    vi.advanceTimersByTime(1000)
    expect(screen.shown).toEqual(['2'])
  })

  it('draws a picture without boxes when its result does not come in time', () => {
    picture(1)
    vi.advanceTimersByTime(299)
    expect(screen.shown).toEqual([])
    vi.advanceTimersByTime(1)
    expect(screen.shown).toEqual(['1'])
  })

  it('adds a late result to the picture that is still on screen', () => {
    picture(1)
    vi.advanceTimersByTime(300)
    result(1)
    result(1)
    expect(screen.shown).toEqual(['1', 'late 1'])
  })

  it('drops a result that is older than what is drawn', () => {
    picture(1)
    vi.advanceTimersByTime(300)
    picture(2)
    vi.advanceTimersByTime(300)
    result(1)
    expect(screen.shown).toEqual(['1', '2'])
  })

  it('never goes back in time', () => {
    result(1)
    result(2)
    picture(2)
    picture(1)
    expect(screen.shown).toEqual(['2+2'])
    expect(screen.discarded).toEqual(['p1'])
  })

  it('drops pictures that were overtaken by one with a result', () => {
    picture(1)
    picture(2)
    result(2)
    vi.advanceTimersByTime(1000)
    expect(screen.shown).toEqual(['2+2'])
    expect(screen.discarded).toEqual(['p1'])
  })

  it('still shows pictures, faster than they grow late, when no result ever comes', () => {
    for (let seq = 1; seq <= 6; seq += 1) {
      picture(seq)
      vi.advanceTimersByTime(10)
    }
    expect(screen.shown).toEqual(['1', '2', '3'])
  })

  it('shows the newest of several that are late', () => {
    picture(1)
    picture(2)
    vi.advanceTimersByTime(300)
    expect(screen.shown).toEqual(['2'])
    expect(screen.discarded).toEqual(['p1'])
  })

  it('holds a bounded number of results, the newest', () => {
    for (let seq = 1; seq <= 6; seq += 1) result(seq)
    picture(2)
    picture(3)
    expect(screen.shown).toEqual(['3+3'])
  })

  it('begins anew after a reset: smaller numbers are welcome, old results forgotten', () => {
    result(90)
    picture(90)
    picture(91)
    result(5)
    pairing.reset()
    expect(screen.discarded).toEqual(['p91'])
    picture(5)
    vi.advanceTimersByTime(300)
    expect(screen.shown).toEqual(['90+90', '5'])
  })
})
