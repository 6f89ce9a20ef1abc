import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { DEFAULTS } from '../src/camera_options'
import CameraForm from '../src/components/CameraForm.vue'
import { Problem } from '../src/problem'
import type { Camera, CameraChange, CheckedCamera } from '../src/rest'
import { SERVICES, type Services } from '../src/services'

const SEEN: CheckedCamera = {
  codec: 'H.265',
  width: 1920,
  height: 1080,
  pictures_per_second: 25,
  bit_rate: null,
  key_interval: null,
  first_picture: 0.3,
  clock_skew: null,
  picture: btoa('JPEG'),
}
const GATE = {
  id: 'c1',
  name: 'Gate',
  url: 'rtsp://ann:***@gate/1',
  options: DEFAULTS,
  streams: { view: null, detail: null },
} as Camera

describe('the form of a camera', () => {
  const checkCamera = vi.fn<(...asked: unknown[]) => Promise<CheckedCamera>>()
  const changeCamera = vi.fn<(id: string, change: CameraChange) => Promise<Camera>>()
  let form: VueWrapper

  function show(camera: Camera | null): void {
    const services = { client: { checkCamera, changeCamera } } as unknown as Services
    const provide = { [SERVICES as symbol]: services }
    form = mount(CameraForm, { props: { camera }, global: { provide } })
  }
  const find = (id: string) => form.find(`[data-testid=${id}]`)
  const canBeTried = (): boolean => find('camera-try').attributes('disabled') === undefined
  async function tryIt(): Promise<void> {
    await find('camera-try').trigger('click')
    await flushPromises()
  }

  beforeEach(() => {
    checkCamera.mockReset().mockResolvedValue(SEEN)
    changeCamera.mockReset().mockResolvedValue(GATE)
  })
  afterEach(() => {
    form.unmount()
  })

  it('shows what is seen at an address before it is kept', async () => {
    show(null)
    expect(canBeTried()).toBe(false)
    await find('camera-url').setValue(' rtsp://ann:secret@gate/1 ')
    await tryIt()
    expect(checkCamera).toHaveBeenCalledWith('rtsp://ann:secret@gate/1', DEFAULTS)
    expect(find('camera-check').text()).toContain('H.265 1920×1080')
    expect(find('camera-check').find('img').attributes('src')).toMatch(/^blob:/)
    await find('camera-url').setValue('rtsp://gate/2')
    expect(find('camera-check').exists()).toBe(false)
  })

  it('says why nothing is seen', async () => {
    checkCamera.mockRejectedValue(new Problem(422, 'rtsp://gate/1: out of reach'))
    show(null)
    await find('camera-url').setValue('rtsp://gate/1')
    await tryIt()
    expect(find('problem').text()).toContain('out of reach')
    expect(find('camera-check').exists()).toBe(false)
  })

  it('keeps an address that shows nothing only when a person insists', async () => {
    changeCamera.mockRejectedValueOnce(new Problem(422, 'rtsp://gate/2: out of reach'))
    show(GATE)
    await find('camera-url').setValue('rtsp://gate/2')
    await form.trigger('submit')
    await flushPromises()
    expect(form.emitted('saved')).toBeUndefined()
    await find('camera-force').trigger('click')
    await flushPromises()
    expect(changeCamera.mock.calls).toEqual([
      ['c1', { url: 'rtsp://gate/2' }],
      ['c1', { url: 'rtsp://gate/2', force: true }],
    ])
    expect(form.emitted('saved')).toHaveLength(1)
  })

  it('does not insist where only the name was refused', async () => {
    changeCamera.mockRejectedValueOnce(new Problem(409, 'there is a camera of this name'))
    show(GATE)
    await find('camera-name').setValue('Yard')
    await form.trigger('submit')
    await flushPromises()
    expect(find('camera-force').exists()).toBe(false)
  })

  it('does not try an address whose password it does not know, or one that publishes', async () => {
    show(GATE)
    expect(canBeTried()).toBe(false)
    await find('camera-url').setValue('whip:')
    expect(canBeTried()).toBe(false)
  })
})
