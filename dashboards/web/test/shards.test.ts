import { mount, type VueWrapper } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, h, ref } from 'vue'

import CameraShard from '../src/components/CameraShard.vue'
import ShardLine from '../src/components/ShardLine.vue'
import { useShards, type Shards } from '../src/composables/useShards'
import type { Shard } from '../src/rest'
import { SERVICES, type Services } from '../src/services'

function shard(more: Partial<Shard> = {}): Shard {
  return {
    id: '1',
    pid: 7,
    state: 'running',
    since: 1_700_000_000,
    restarts: 0,
    cameras: ['c1', 'c2'],
    frames_per_second: 24.96,
    resident_bytes: 412_300_000,
    trouble: '',
    ...more,
  }
}

const DEAD = shard({ state: 'ended', restarts: 2, resident_bytes: 0, trouble: 'ended by SIGKILL' })

describe('ShardLine', () => {
  it('says how a shard is, and nothing of restarts where there were none', () => {
    const text = mount(ShardLine, { props: { shard: shard() } }).text()
    expect(text).toContain('shard 1')
    expect(text).toContain('25.0 frames/s')
    expect(text).toContain('412 MB')
    expect(text).not.toContain('again')
  })

  it('says what is wrong, and nothing of memory that is gone', () => {
    const text = mount(ShardLine, { props: { shard: DEAD } }).text()
    expect(text).toContain('ended by SIGKILL')
    expect(text).toContain('begun again 2 times')
    expect(text).not.toContain('MB')
  })
})

describe('CameraShard', () => {
  it.each([
    ['its name alone where all is well', shard(), 'shard 1'],
    ['that it was begun again', shard({ restarts: 1 }), 'shard 1: begun again 1 time'],
    ['its trouble', DEAD, 'shard 1: ended by SIGKILL'],
    ['that it starts', shard({ state: 'starting' }), 'shard 1: starting'],
  ])('says %s', (_, shown, text) => {
    expect(mount(CameraShard, { props: { shard: shown } }).text()).toBe(text)
  })
})

describe('useShards', () => {
  const asked = vi.fn<() => Promise<Shard[]>>()
  let found: Shards
  let page: VueWrapper

  function open(mayChange: boolean): void {
    const asking = defineComponent(() => {
      found = useShards()
      return () => h('div')
    })
    const session = { mayChange: ref(mayChange) }
    const services = { client: { shards: asked }, session } as unknown as Services
    page = mount(asking, { global: { provide: { [SERVICES as symbol]: services } } })
  }

  beforeEach(() => {
    vi.useFakeTimers()
    asked.mockReset().mockResolvedValue([shard(), shard({ id: '2', cameras: ['c3'] })])
    open(true)
  })

  afterEach(() => {
    page.unmount()
    vi.useRealTimers()
  })

  it('tells which shard watches a camera', async () => {
    await vi.advanceTimersByTimeAsync(0)
    const watching = found.watching.value
    expect(watching.get('c2')?.id).toBe('1')
    expect(watching.get('c3')?.id).toBe('2')
    expect(watching.get('c4')).toBeUndefined()
  })

  it('asks nothing for who is refused', async () => {
    page.unmount()
    asked.mockClear()
    open(false)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).not.toHaveBeenCalled()
    expect(found.watching.value.size).toBe(0)
  })

  it('asks every three seconds until the page is left', async () => {
    await vi.advanceTimersByTimeAsync(6000)
    expect(asked).toHaveBeenCalledTimes(3)
    page.unmount()
    await vi.advanceTimersByTimeAsync(6000)
    expect(asked).toHaveBeenCalledTimes(3)
  })

  it('shows nothing while it cannot be asked, and goes on', async () => {
    asked.mockRejectedValueOnce(new TypeError('Failed to fetch'))
    await vi.advanceTimersByTimeAsync(3000)
    expect(found.shards.value).toEqual([])
    await vi.advanceTimersByTimeAsync(3000)
    expect(found.shards.value).toHaveLength(2)
  })
})
