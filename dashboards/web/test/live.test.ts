import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Backoff } from '../src/backoff'
import { Live, type LiveState } from '../src/live'
import { Problem } from '../src/problem'
import { frame } from './samples'

class FakeSocket {
  readyState = 0
  readonly sent: unknown[] = []
  onopen?: () => void
  onmessage?: (event: { data: unknown }) => void
  onclose?: () => void

  constructor(readonly address: string) {}

  open(): void {
    this.readyState = WebSocket.OPEN
    this.onopen?.()
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  close(): void {
    this.readyState = WebSocket.CLOSED
    this.onclose?.()
  }
}

describe('Live', () => {
  let sockets: FakeSocket[]
  let tickets: number
  let failure: Error | null
  let states: LiveState[]
  let seen: number[]
  let live: Live

  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)
  const socket = (at: number): FakeSocket => {
    const found = sockets[at]
    if (found === undefined) throw new Error(`there are ${sockets.length} sockets`)
    return found
  }

  beforeEach(() => {
    vi.useFakeTimers()
    ;[sockets, tickets, failure, states, seen] = [[], 0, null, [], []]
    live = new Live({
      ticket: () => {
        tickets += 1
        return failure ? Promise.reject(failure) : Promise.resolve(`t${tickets}`)
      },
      address: (ticket) => `ws://x/live?ticket=${ticket}`,
      open: (address) => {
        sockets.push(new FakeSocket(address))
        return socket(sockets.length - 1) as unknown as WebSocket
      },
      backoff: new Backoff(100, 1000, () => 1),
    })
    live.listen({
      state: (state) => states.push(state),
      frame: (message) => seen.push(message.seq),
    })
  })
  afterEach(() => {
    live.stop()
    vi.useRealTimers()
  })

  it('subscribes as soon as it is open, with a ticket', async () => {
    live.subscribe(['c1'])
    live.start()
    await settle()
    expect(socket(0).address).toBe('ws://x/live?ticket=t1')
    expect(socket(0).sent).toEqual([])
    socket(0).open()
    expect(socket(0).sent).toEqual([{ type: 'subscribe', cameras: ['c1'] }])
    expect(states).toEqual(['off', 'connecting', 'open'])
  })

  it('subscribes again while it is open', async () => {
    live.start()
    await settle()
    socket(0).open()
    live.subscribe(['c2'])
    expect(socket(0).sent.at(-1)).toEqual({ type: 'subscribe', cameras: ['c2'] })
  })

  it('comes back with a new ticket and the same cameras', async () => {
    live.subscribe(['c1'])
    live.start()
    await settle()
    socket(0).open()
    socket(0).close()
    expect(states.at(-1)).toBe('connecting')
    await vi.advanceTimersByTimeAsync(99)
    expect(sockets).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(socket(1).address).toBe('ws://x/live?ticket=t2')
    socket(1).open()
    expect(socket(1).sent).toEqual([{ type: 'subscribe', cameras: ['c1'] }])
  })

  it('waits longer each time, and from the beginning after a success', async () => {
    failure = new TypeError('fetch failed')
    live.start()
    await settle()
    const attempts = [100, 200, 400, 800, 1000, 1000]
    for (const [at, wait] of attempts.entries()) {
      await vi.advanceTimersByTimeAsync(wait - 1)
      expect(tickets).toBe(at + 1)
      await vi.advanceTimersByTimeAsync(1)
      expect(tickets).toBe(at + 2)
    }
    failure = null
    await vi.advanceTimersByTimeAsync(1000)
    socket(0).open()
    socket(0).close()
    await vi.advanceTimersByTimeAsync(100)
    expect(sockets).toHaveLength(2)
  })

  it('does not ask again when nobody is signed in any more', async () => {
    failure = new Problem(401, 'sign in first')
    live.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(tickets).toBe(1)
  })

  it('stays away after it was stopped, also while it waited for a ticket', async () => {
    live.start()
    live.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sockets).toHaveLength(0)
    expect(states.at(-1)).toBe('off')
  })

  it('hands on frames, and survives what is no message', async () => {
    live.start()
    await settle()
    socket(0).open()
    for (const data of ['{', 'null', '{"type":"later"}', new Blob(), JSON.stringify(frame(7))]) {
      socket(0).onmessage?.({ data })
    }
    expect(seen).toEqual([7])
  })
})
