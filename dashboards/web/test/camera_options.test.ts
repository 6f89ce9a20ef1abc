import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { changed, DEFAULTS } from '../src/camera_options'
import CameraForm from '../src/components/CameraForm.vue'
import type { Camera, CameraOptions, CheckedCamera } from '../src/rest'
import { SERVICES } from '../src/services'

const SEEN: CheckedCamera = {
  codec: 'H.264',
  width: 960,
  height: 540,
  pictures_per_second: 25,
  bit_rate: null,
  key_interval: null,
  first_picture: 0.3,
  clock_skew: null,
  picture: btoa('JPEG'),
}
const MASK: CameraOptions['masks'] = [
  [
    [0, 0],
    [0.5, 0],
    [0.5, 0.5],
  ],
]

function camera(options: Partial<CameraOptions> = {}): Camera {
  const told = { ...DEFAULTS, ...options }
  const streams = { view: null, detail: null }
  return { id: 'c1', name: 'Gate', url: 'rtsp://x/1', enabled: true, options: told, streams } as Camera
}

describe('what is sent of options', () => {
  it('is what is another, and nothing where nothing is', () => {
    expect(changed(DEFAULTS, { ...DEFAULTS })).toBeNull()
    expect(changed(DEFAULTS, { ...DEFAULTS, masks: MASK, analysed: 5 })).toEqual({
      masks: MASK,
      analysed: 5,
    })
    expect(changed({ ...DEFAULTS, masks: MASK }, DEFAULTS)).toEqual({ masks: [] })
  })
})

describe('the options of a camera in its form', () => {
  const sent = vi.fn<(...given: unknown[]) => Promise<unknown>>()
  let form: VueWrapper

  const find = (id: string) => form.find(`[data-testid=${id}]`)

  async function open(given: Camera | null): Promise<void> {
    const client = {
      addCamera: sent,
      changeCamera: sent,
      checkCamera: () => Promise.resolve(SEEN),
      snapshot: () => Promise.reject(new Error('it shows nothing')),
    }
    const global = { provide: { [SERVICES as symbol]: { client } } }
    form = mount(CameraForm, { props: { camera: given }, global })
    const details = find('camera-options')
    ;(details.element as HTMLDetailsElement).open = true
    await details.trigger('toggle')
    await flushPromises()
  }

  async function point(...places: [number, number][]): Promise<void> {
    const surface = find('areas-surface')
    surface.element.getBoundingClientRect = () => new DOMRect(0, 0, 200, 100)
    for (const [clientX, clientY] of places) await surface.trigger('pointerdown', { clientX, clientY })
  }

  async function save(): Promise<unknown> {
    await find('camera-form').trigger('submit')
    await flushPromises()
    return sent.mock.lastCall?.at(-1)
  }

  beforeEach(() => sent.mockReset().mockResolvedValue({}))

  it('are sent where they were changed, and only those', async () => {
    await open(camera({ read_timeout: 9 }))
    await find('option-transport').setValue('auto')
    await find('option-often').setValue('rate')
    await find('option-rate').setValue('2.5')
    await find('option-read').setValue('')
    expect(await save()).toEqual({
      options: { transport: 'auto', analysed: 2.5, read_timeout: null },
    })
  })

  it('are not sent where they are as they were', async () => {
    await open(camera({ masks: MASK }))
    expect(await save()).toEqual({})
  })

  it('are drawn: the region between two corners, a mask from its corners', async () => {
    await open(null)
    await find('draw-region').trigger('click')
    await point([50, 10], [150, 60])
    await find('draw-mask').trigger('click')
    expect(find('close-mask').attributes('disabled')).toBeDefined()
    await point([0, 0], [100, 0])
    expect(form.findAll('[data-testid=drawn-mask]')).toHaveLength(0)
    await point([100, 50])
    expect(form.findAll('[data-testid=drawn-mask]')).toHaveLength(1)
    await find('close-mask').trigger('click')
    const { options } = (await save()) as { options: CameraOptions }
    expect(options.region).toEqual({ x: 0.25, y: 0.1, width: 0.5, height: 0.5 })
    expect(options.masks).toEqual(MASK)
    expect(form.findAll('[data-testid=drawn-mask]')).toHaveLength(1)
  })

  it('are drawn on the picture that was seen when the address was tried', async () => {
    await open(null)
    expect(form.find('.picture-surface img').exists()).toBe(false)
    await find('camera-url').setValue('rtsp://x/1')
    await find('camera-try').trigger('click')
    await flushPromises()
    expect(form.find('.picture-surface img').attributes('src')).toMatch(/^blob:/)
  })

  it('are taken back', async () => {
    await open(camera({ masks: MASK, region: { x: 0.5, y: 0, width: 0.5, height: 1 } }))
    await find('remove-mask').trigger('click')
    await find('whole-region').trigger('click')
    expect(await save()).toEqual({ options: { masks: [], region: DEFAULTS.region } })
  })

  it('can be typed, and what is none is said and not taken', async () => {
    await open(camera())
    await find('option-masks').setValue('0,0 1,1')
    expect(find('option-wrong').text()).toContain('3 to 64 corners')
    expect((find('option-masks').element as HTMLTextAreaElement).validationMessage).not.toBe('')
    await find('option-masks').setValue('')
    expect(find('option-wrong').exists()).toBe(false)
    await find('option-region').setValue('0.5,0,0.5,1')
    expect(await save()).toEqual({
      options: { region: { x: 0.5, y: 0, width: 0.5, height: 1 } },
    })
  })
})
