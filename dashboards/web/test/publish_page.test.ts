import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { createPages } from '../src/router'
import PublishPage from '../src/pages/PublishPage.vue'
import { SERVICES, type Services } from '../src/services'
import { Session } from '../src/session'
import { FakeService, stubWebRtc, type FakePeer } from './webrtc'

/** The page's own, before a test puts another one there. */
const Stream = MediaStream
const PHONE = { id: 'c7', name: 'Phone', url: 'whip:' }

describe('the page that publishes', () => {
  let peers: FakePeer[]
  let service: FakeService
  let added: unknown[]
  let stopped: number
  let unplug: () => void
  let page: VueWrapper

  const find = (id: string) => page.find(`[data-testid=${id}]`)
  const click = async (id: string): Promise<void> => {
    await find(id).trigger('click')
    await flushPromises()
  }
  const getUserMedia = vi.fn<(wanted: MediaStreamConstraints) => Promise<unknown>>()
  const track = {
    getSettings: () => ({ deviceId: 'd1' }),
    stop: () => (stopped += 1),
    addEventListener: (_: string, listener: () => void) => (unplug = listener),
  }
  const device = (deviceId: string): object => ({ kind: 'videoinput', deviceId, label: deviceId })

  beforeEach(() => {
    peers = stubWebRtc()
    service = new FakeService()
    ;[added, stopped] = [[], 0]
    const tracks = (): object[] => [track]
    const stream = Object.assign(new Stream(), { getTracks: tracks, getVideoTracks: tracks })
    getUserMedia.mockReset().mockResolvedValue(stream)
    const enumerateDevices = (): Promise<object[]> =>
      Promise.resolve([device('d1'), device('d2'), { kind: 'audioinput', deviceId: 'a' }])
    vi.stubGlobal('navigator', { mediaDevices: { getUserMedia, enumerateDevices } })
    const client = Object.assign(service, {
      cameras: () => Promise.resolve([{ id: 'c1', name: 'Door', url: 'rtsp://x/1' }, PHONE]),
      addCamera: (camera: object) => {
        added.push(camera)
        return Promise.resolve(PHONE)
      },
    })
    const services = { client, live: { listen: () => () => undefined } } as unknown as Services
    const router = createPages(new Session(sessionStorage))
    page = mount(PublishPage, {
      global: { plugins: [router], provide: { [SERVICES as symbol]: services } },
    })
    return flushPromises()
  })
  afterEach(() => {
    page.unmount()
    vi.unstubAllGlobals()
  })

  async function send(): Promise<void> {
    await click('publish-on')
    await find('publish-name').setValue('Phone')
    await find('publish-form').trigger('submit')
    await vi.waitFor(() => expect(service.said).toHaveLength(2))
    peers[0]?.become('connected')
    await flushPromises()
  }

  it('offers cameras that can be published to, and no others', () => {
    const options = find('publish-camera').findAll('option')
    expect(options.map((one) => one.text())).toEqual(['A new camera', 'Phone'])
  })

  it('sends nothing before the camera is on', () => {
    expect(find('publish-start').attributes('disabled')).toBeDefined()
    expect(find('publish-state').text()).toBe('Nothing is sent.')
    expect(getUserMedia).not.toHaveBeenCalled()
  })

  it('takes the camera on the back, without sound, and then the one that is chosen', async () => {
    await click('publish-on')
    const first = getUserMedia.mock.lastCall?.[0]
    expect(first).toMatchObject({ audio: false, video: { facingMode: { ideal: 'environment' } } })
    await find('publish-device').setValue('d2')
    await flushPromises()
    expect(getUserMedia.mock.lastCall?.[0]).toMatchObject({ video: { deviceId: { exact: 'd2' } } })
    expect(getUserMedia).toHaveBeenCalledTimes(2)
    expect(stopped).toBe(1)
  })

  it('makes a camera and publishes to it', async () => {
    await send()
    expect(added).toEqual([{ name: 'Phone', url: 'whip:', enabled: true }])
    expect(service.said[1]).toContain('/cameras/c7/whip')
    expect(find('publish-state').text()).toBe('Sending')
    await click('publish-stop')
    expect(find('publish-state').text()).toBe('Nothing is sent.')
    expect(service.said.at(-1)).toBe('bye s1')
    expect(stopped).toBe(0)
  })

  it('stops sending and turns the camera off when it is left', async () => {
    await send()
    page.unmount()
    await flushPromises()
    expect(service.said.at(-1)).toBe('bye s1')
    expect(stopped).toBe(1)
  })

  it('says so when the camera is unplugged', async () => {
    await send()
    unplug()
    await flushPromises()
    expect(find('problem').text()).toContain('unplugged')
    expect(find('publish-state').text()).toBe('Nothing is sent.')
  })

  it.each([
    ['NotAllowedError', 'did not let this page'],
    ['NotFoundError', 'no camera'],
    ['NotReadableError', 'another program'],
  ])('says clearly why there is no camera: %s', async (name, text) => {
    getUserMedia.mockRejectedValue(new DOMException('x', name))
    await click('publish-on')
    expect(find('problem').text()).toContain(text)
  })

  it('says what to do where the page did not come by HTTPS', async () => {
    vi.stubGlobal('navigator', {})
    await click('publish-on')
    expect(find('problem').text()).toContain('https://')
  })
})
