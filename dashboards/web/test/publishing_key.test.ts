import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import PublishingKey from '../src/components/PublishingKey.vue'
import { Problem } from '../src/problem'
import type { Camera } from '../src/rest'
import { SERVICES, type Services } from '../src/services'

const PHONE = { id: 'c7', name: 'Phone', url: 'whip:' } as Camera
const ADDRESS = 'https://here/api/v1/cameras/c7/whip'

describe('the key of an encoder', () => {
  let page: VueWrapper
  let isSet: boolean
  let said: string[]
  let failure: Error | null
  const find = (id: string) => page.find(`[data-testid=${id}]`)
  const click = async (id: string): Promise<void> => {
    await find(id).trigger('click')
    await flushPromises()
  }
  const answer = async (yes: boolean): Promise<void> => {
    if (yes) await find('ask').find('form').trigger('submit')
    else await find('ask-no').trigger('click')
    await flushPromises()
  }

  function service(): object {
    const did = (what: string): void => {
      said.push(what)
      if (failure) throw failure
    }
    return {
      address: (camera: string) => `https://here/api/v1/cameras/${camera}/whip`,
      hasKey: () => Promise.resolve(isSet),
      makeKey: async (camera: string) => {
        await Promise.resolve()
        did(`make ${camera}`)
        return `whip_${said.length}`
      },
      removeKey: async (camera: string) => {
        await Promise.resolve()
        did(`remove ${camera}`)
      },
    }
  }
  async function open(): Promise<void> {
    const services = { encoders: service() } as unknown as Services
    page = mount(PublishingKey, {
      props: { camera: PHONE },
      global: { provide: { [SERVICES as symbol]: services } },
    })
    await flushPromises()
  }

  beforeEach(() => {
    ;[isSet, said, failure] = [false, [], null]
    HTMLDialogElement.prototype.showModal = () => undefined
  })
  afterEach(() => {
    page.unmount()
    vi.unstubAllGlobals()
  })

  it('is made, and shown once', async () => {
    await open()
    expect(find('key-state').text()).toBe('There is no key yet.')
    await click('make-key')
    expect(find('new-key').find('input').element.value).toBe('whip_1')
    expect(find('key-state').text()).toContain('shown only now')
    page.unmount()
    isSet = true
    await open()
    expect(find('new-key').exists()).toBe(false)
    expect(find('key-state').text()).toContain('cannot be shown')
    expect(page.html()).not.toContain('whip_1')
  })

  it('is renewed and removed only after a question', async () => {
    isSet = true
    await open()
    await click('renew-key')
    await answer(false)
    await click('remove-key')
    await answer(false)
    expect(said).toEqual([])
    await click('renew-key')
    await answer(true)
    expect(find('new-key').exists()).toBe(true)
    await click('remove-key')
    await answer(true)
    expect(said).toEqual(['make c7', 'remove c7'])
    expect(find('new-key').exists()).toBe(false)
    expect(find('make-key').exists()).toBe(true)
  })

  it('says what went wrong, and keeps what was there', async () => {
    isSet = true
    await open()
    failure = new Problem(503, 'the database is away')
    await click('remove-key')
    await answer(true)
    expect(find('problem').text()).toContain('the database is away')
    expect(find('remove-key').exists()).toBe(true)
  })

  it('tells encoders the address, and never the key in a command', async () => {
    await open()
    await click('make-key')
    expect(find('whip-address').find('input').element.value).toBe(ADDRESS)
    const hints = find('encoder-hints').text()
    expect(hints.split(ADDRESS)).toHaveLength(3)
    expect(hints).not.toContain('whip_1')
  })

  it('copies, or selects where there is no clipboard', async () => {
    const writeText = vi.fn<(text: string) => Promise<void>>().mockResolvedValue()
    vi.stubGlobal('navigator', { clipboard: { writeText } })
    await open()
    const line = find('whip-address')
    await line.find('button').trigger('click')
    await flushPromises()
    expect(writeText).toHaveBeenCalledWith(ADDRESS)
    expect(line.text()).toContain('Copied')
    vi.stubGlobal('navigator', {})
    await line.find('button').trigger('click')
    await flushPromises()
    expect(line.text()).toContain('Ctrl+C')
  })
})
