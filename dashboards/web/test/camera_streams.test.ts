import { describe, expect, it } from 'vitest'

import { added, changedStreams, typed } from '../src/camera_streams'

const kept = { view: 'rtsp://ann:***@gate/high', detail: null }

describe('The further streams of a camera', () => {
  it('are not sent where they are as they were: the address that is shown has no password', () => {
    expect(changedStreams(kept, typed(kept))).toBeNull()
  })

  it('are sent one by one where they are others, null where they are taken away', () => {
    expect(changedStreams(kept, { view: ' ', detail: '' })).toEqual({ view: null })
    const high = 'rtsp://ann:word@gate/high'
    expect(changedStreams(kept, { view: kept.view, detail: ` ${high} ` })).toEqual({ detail: high })
  })

  it('of a new camera are what was typed', () => {
    expect(added(typed(undefined))).toEqual({ view: null, detail: null })
    expect(added({ view: 'rtsp://gate/high', detail: '' })).toEqual({ view: 'rtsp://gate/high', detail: null })
  })
})
