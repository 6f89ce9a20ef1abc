import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'

import NotThem from '../src/components/NotThem.vue'
import { Problem } from '../src/problem'
import { SERVICES, type Services } from '../src/services'

const IMAGE = new File(['x'], 'face.jpg')

describe('A face that bears a wrong name', () => {
  let told: unknown[]
  let refusal: Error | null
  let page: VueWrapper
  const click = async (): Promise<void> => {
    await page.find('[data-testid=not-them-button]').trigger('click')
    await flushPromises()
  }

  beforeEach(() => {
    ;[told, refusal] = [[], null]
    const client = {
      addCounterexample: (...given: unknown[]) => {
        told.push(given)
        return refusal === null ? Promise.resolve({}) : Promise.reject(refusal)
      },
    }
    page = mount(NotThem, {
      props: { person: 'p1', name: 'Ada', image: IMAGE },
      global: { provide: { [SERVICES as symbol]: { client } as unknown as Services } },
    })
  })

  it('is said not to be hers, once', async () => {
    await click()
    expect(told).toEqual([['p1', IMAGE]])
    expect(page.text()).toContain('is not taken for Ada any more')
    expect(page.find('button').exists()).toBe(false)
  })

  it('says why that could not be kept, and can be tried again', async () => {
    refusal = new Problem(422, 'no face in it')
    await click()
    expect(page.text()).toContain('no face in it')
    refusal = null
    await click()
    expect(told).toHaveLength(2)
  })
})
