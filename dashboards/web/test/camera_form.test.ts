import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import CameraForm from '../src/components/CameraForm.vue'
import { Problem } from '../src/problem'
import type { Camera, CheckedCamera } from '../src/rest'
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
const GATE = { id: 'c1', name: 'Gate', url: 'rtsp://ann:***@gate/1' } as Camera

describe('the form of a camera', () => {
  const checkCamera = vi.fn<(url: string) => Promise<CheckedCamera>>()
  let form: VueWrapper

  function show(camera: Camera | null): void {
    const services = { client: { checkCamera } } as unknown as Services
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
  })
  afterEach(() => {
    form.unmount()
  })

  it('shows what is seen at an address before it is kept', async () => {
    show(null)
    expect(canBeTried()).toBe(false)
    await find('camera-url').setValue(' rtsp://ann:secret@gate/1 ')
    await tryIt()
    expect(checkCamera).toHaveBeenCalledWith('rtsp://ann:secret@gate/1')
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

  it('does not try an address whose password it does not know, or one that publishes', async () => {
    show(GATE)
    expect(canBeTried()).toBe(false)
    await find('camera-url').setValue('whip:')
    expect(canBeTried()).toBe(false)
  })
})
