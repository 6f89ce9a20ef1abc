import { beforeEach, describe, expect, it } from 'vitest'

import { Pairing } from '../src/pairing'
import { revised } from '../src/revision'
import { Stage } from '../src/stage'
import { Timeline } from '../src/timeline'
import type { FaceMessage, FrameMessage, RevisionMessage } from '../src/wire'
import { face, frame } from './samples'

const ada = { status: 'known', person: 'p1', name: 'Ada' } as const
const bob = { status: 'known', person: 'p2', name: 'Bob' } as const

/** From frame 2 to frame 4 track 1 was not Ada but Bob. */
const revision: RevisionMessage = {
  type: 'revision',
  camera: 'c1',
  track: 1,
  was: 'p1',
  ...bob,
  since: { seq: 2, media_time: 180_000, captured_at: 2 },
  until: { seq: 4, media_time: 360_000, captured_at: 4 },
}
const wrong = (seq: number): FrameMessage => frame(seq, [face(1, ada), face(2, ada)])
const names = (faces: readonly FaceMessage[] | undefined): unknown[] | undefined =>
  faces?.map((one) => [one.status, one.person, one.name])
const right = [Object.values(bob), Object.values(ada)]

describe('A revision', () => {
  it('corrects that track of the frames it is about, and nothing else', () => {
    expect(names(revised(wrong(2), revision).faces)).toEqual(right)
    expect(names(revised(wrong(3), revision).faces)).toEqual(right)
    for (const other of [wrong(1), wrong(4), frame(3, [face(1, bob)]), frame(3)]) {
      expect(revised(other, revision)).toBe(other)
    }
  })

  it('of somebody who was deleted corrects nobody', () => {
    const stranger = frame(3, [face(1)])
    expect(revised(stranger, { ...revision, was: null })).toBe(stranger)
  })

  it('corrects results that wait for their pictures', () => {
    const timeline = new Timeline(() => 2)
    timeline.add(wrong(3))
    timeline.revise(revision)
    expect(names(timeline.at(270_000)?.frame.faces)).toEqual(right)

    const drawn: (FrameMessage | null)[] = []
    const pairing = new Pairing<string>({
      draw: (_seq, _picture, result) => drawn.push(result),
      annotate: () => undefined,
      discard: () => undefined,
    })
    pairing.result(wrong(3))
    pairing.revise(revision)
    pairing.picture(3, 'p3')
    expect(names(drawn[0]?.faces)).toEqual(right)
  })
})

describe('The stage', () => {
  let told: (readonly FaceMessage[])[]
  let stage: Stage

  beforeEach(() => {
    told = []
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    stage = new Stage(document.createElement('canvas'), svg, (faces) => told.push(faces))
  })

  it('takes a wrong name from the picture that is shown', () => {
    stage.annotate(wrong(3))
    stage.revise(revision)
    expect(told.map(names)).toEqual([[Object.values(ada), Object.values(ada)], right])
    expect(stage.face(1)?.name).toBe('Bob')
    stage.close()
  })

  it('leaves alone what the revision is not about', () => {
    stage.revise(revision)
    stage.annotate(wrong(5))
    stage.revise(revision)
    expect(told).toHaveLength(1)
    stage.close()
  })
})
