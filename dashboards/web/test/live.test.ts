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
  onclose?: (event: { code: number; reason: string }) => void

  constructor(readonly address: string) {}

  open(): void {
    this.readyState = WebSocket.OPEN
    this.onopen?.()
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  say(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }

  close(code = 1006, reason = ''): void {
    this.readyState = WebSocket.CLOSED
    this.onclose?.({ code, reason })
  }
}

const snapshot = { type: 'snapshot', epoch: 'e1', cursor: 5, max_age: 2, cameras: [], frames: [] }

describe('Live', () => {
  let sockets: FakeSocket[]
  let tickets: number
  let failure: Error | null
  let states: LiveState[]
  let troubles: string[]
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
    ;[sockets, tickets, failure, states, troubles, seen] = [[], 0, null, [], [], []]
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
      state: (state, why) => {
        states.push(state)
        troubles.push(why)
      },
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
    expect(socket(0).sent).toEqual([{ type: 'subscribe', cameras: ['c1'], recent: true }])
    expect(states).toEqual(['off', 'connecting']) // one that is refused opens, too
    socket(0).say(snapshot)
    socket(0).say(frame(1))
    expect(states).toEqual(['off', 'connecting', 'open'])
  })

  it('subscribes again while it is open', async () => {
    live.start()
    await settle()
    socket(0).open()
    live.subscribe(['c2'])
    expect(socket(0).sent.at(-1)).toEqual({ type: 'subscribe', cameras: ['c2'], recent: true })
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
    expect(socket(1).sent).toEqual([{ type: 'subscribe', cameras: ['c1'], recent: true }])
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
    await vi.advanceTimersByTimeAsync(999)
    expect(sockets).toHaveLength(1) // it opened, and was refused
    await vi.advanceTimersByTimeAsync(1)
    socket(1).open()
    socket(1).say(snapshot)
    socket(1).close()
    await vi.advanceTimersByTimeAsync(100)
    expect(sockets).toHaveLength(3)
  })

  it('goes on where it was, unless it wants other cameras', async () => {
    live.subscribe(['c1'])
    live.start()
    await settle()
    const afterwards = async (at: number): Promise<unknown> => {
      socket(at).close()
      await vi.advanceTimersByTimeAsync(1000)
      socket(at + 1).open()
      return socket(at + 1).sent.at(-1)
    }
    socket(0).open()
    socket(0).say(snapshot)
    const wanted = { type: 'subscribe', cameras: ['c1'] }
    expect(await afterwards(0)).toEqual({ ...wanted, after: { epoch: 'e1', cursor: 5 } })
    socket(1).say({ ...frame(7), cursor: 9 })
    expect(await afterwards(1)).toEqual({ ...wanted, after: { epoch: 'e1', cursor: 9 } })
    socket(2).say({ type: 'gap', reason: 'reset', after: 0, to: 2, missed: null })
    socket(2).say({ ...snapshot, epoch: 'e2', cursor: 2 })
    expect(await afterwards(2)).toEqual({ ...wanted, after: { epoch: 'e2', cursor: 2 } })
    live.subscribe(['c2'])
    expect(socket(3).sent.at(-1)).toEqual({ type: 'subscribe', cameras: ['c2'], recent: true })
  })

  it.each([
    ['broken off', 1006, '', 'the connection broke off'],
    ['refused', 4429, '100 are open for this user', '100 are open for this user'],
    ['closed without a word', 1000, '', ''],
  ])('says why nothing is heard until something is: %s', async (_, code, reason, why) => {
    live.start()
    await settle()
    socket(0).open()
    socket(0).close(code, reason)
    await vi.advanceTimersByTimeAsync(1000)
    expect([states.at(-1), troubles.at(-1)]).toEqual(['connecting', why])
    socket(1).open()
    expect(troubles.at(-1)).toBe(why)
    socket(1).say(snapshot)
    expect([states.at(-1), troubles.at(-1)]).toEqual(['open', ''])
  })

  it('says that the service is away, and hears of it again when it is back', async () => {
    failure = new TypeError('fetch failed')
    live.start()
    await settle()
    expect(troubles.at(-1)).toContain('cannot be reached')
    failure = new Problem(503, 'the database is away')
    await vi.advanceTimersByTimeAsync(1000)
    expect(troubles.at(-1)).toBe('the database is away')
    failure = null
    await vi.advanceTimersByTimeAsync(1000)
    socket(0).open()
    socket(0).say(snapshot)
    expect([states.at(-1), troubles.at(-1)]).toEqual(['open', ''])
  })

  it('hands on what is in a snapshot', async () => {
    const told: string[] = []
    live.listen({ camera: (message) => told.push(message.state) })
    live.start()
    await settle()
    socket(0).open()
    const camera = { type: 'camera', camera: 'c1', state: 'live', reason: '', since: 1 }
    socket(0).say({ ...snapshot, cameras: [camera], frames: [frame(3), frame(4)] })
    expect([told, seen, live.maxAge]).toEqual([['live'], [3, 4], 2])
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

  it('hands on revisions, and goes on after them and after who came', async () => {
    const tracks: number[] = []
    live.listen({ revision: (message) => tracks.push(message.track) })
    live.subscribe(['c1'])
    live.start()
    await settle()
    socket(0).open()
    const snapshot = { type: 'snapshot', epoch: 'e', cursor: 4, cameras: [], frames: [] }
    for (const message of [snapshot, { type: 'revision', cursor: 5, track: 7 }]) {
      socket(0).onmessage?.({ data: JSON.stringify(message) })
    }
    expect(tracks).toEqual([7])
    socket(0).onmessage?.({ data: JSON.stringify({ type: 'presence', cursor: 6 }) })
    socket(0).close()
    await vi.runOnlyPendingTimersAsync()
    socket(1).open()
    expect(socket(1).sent[0]).toMatchObject({ after: { epoch: 'e', cursor: 6 } })
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
