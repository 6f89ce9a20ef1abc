import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Client } from '../src/client'
import { Http } from '../src/http'
import type { Problem } from '../src/problem'
import { Session } from '../src/session'

describe('what a client says to set up WebRTC', () => {
  const fetched = vi.fn<typeof fetch>()
  const never = new AbortController().signal
  let client: Client

  beforeEach(() => {
    vi.stubGlobal('fetch', fetched)
    const session = new Session(sessionStorage)
    session.begin('admin', 't1', 'administrator')
    client = new Client(new Http('/api/v1', session))
  })
  afterEach(() => {
    fetched.mockReset()
    vi.unstubAllGlobals()
    sessionStorage.clear()
  })

  it('asks for the servers that an endpoint advises', async () => {
    const headers = { Link: '<stun:a>; rel="ice-server"' }
    fetched.mockResolvedValue(new Response(null, { status: 204, headers }))
    expect(await client.iceServers('/cameras/c1/whep')).toEqual([{ urls: 'stun:a' }])
    expect(fetched.mock.lastCall?.[1]?.method).toBe('OPTIONS')
  })

  it('sends the offer with the token, and reads answer and session', async () => {
    const headers = { Location: '/api/v1/cameras/c1/whep/s9' }
    fetched.mockResolvedValue(new Response('v=0', { status: 201, headers }))
    const answered = await client.offer('/cameras/c1/whep', 'offer', never)
    expect(answered).toEqual({ sdp: 'v=0', session: '/cameras/c1/whep/s9' })
    const sent = fetched.mock.lastCall?.[1]
    expect([sent?.method, sent?.body]).toEqual(['POST', 'offer'])
    const said = new Headers(sent?.headers)
    expect([said.get('Content-Type'), said.get('Authorization')]).toEqual([
      'application/sdp',
      'Bearer t1',
    ])
  })

  it('takes the token to no other place, whatever a Location names', async () => {
    const headers = { Location: 'https://elsewhere.example/whep/s9' }
    fetched.mockResolvedValue(new Response('v=0', { status: 201, headers }))
    expect((await client.offer('/cameras/c1/whep', '', never)).session).toBe('/cameras/c1/whep/s9')
  })

  it('ends a session even where the page goes away', async () => {
    fetched.mockResolvedValue(new Response())
    await client.hangUp('/cameras/c1/whep/s9')
    expect(fetched.mock.lastCall?.[0]).toBe('/api/v1/cameras/c1/whep/s9')
    expect(fetched.mock.lastCall?.[1]).toMatchObject({ method: 'DELETE', keepalive: true })
  })

  it('learns from a refusal when to try again', async () => {
    const full = Response.json({ detail: 'too many viewers' }, { status: 503, headers: { 'Retry-After': '30' } })
    fetched.mockResolvedValue(full)
    const problem = (await client.offer('/x', '', never).catch((error: unknown) => error)) as Problem
    expect([problem.message, problem.retryAfter]).toEqual(['too many viewers', 30_000])
  })
})
