import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Http } from '../src/http'
import { Problem } from '../src/problem'
import { Session } from '../src/session'

describe('Http', () => {
  let session: Session
  let http: Http
  const fetched = vi.fn<typeof fetch>()

  beforeEach(() => {
    sessionStorage.clear()
    vi.stubGlobal('fetch', fetched)
    session = new Session(sessionStorage)
    http = new Http('/api/v1', session)
  })
  afterEach(() => {
    fetched.mockReset()
    vi.unstubAllGlobals()
  })

  function sent(): RequestInit {
    return fetched.mock.calls.at(-1)?.[1] ?? {}
  }

  it('sends the token with every request once there is one', async () => {
    fetched.mockImplementation(() => Promise.resolve(Response.json({})))
    await http.get('/people')
    expect(new Headers(sent().headers).has('Authorization')).toBe(false)
    session.begin('admin', 't1', 'administrator')
    await http.send('POST', '/people', { name: 'Ada' })
    expect(new Headers(sent().headers).get('Authorization')).toBe('Bearer t1')
    expect(sent().body).toBe('{"name":"Ada"}')
  })

  it('ends the session, with a message, when the token is worth nothing any more', async () => {
    session.begin('admin', 't1', 'administrator')
    fetched.mockResolvedValue(Response.json({ detail: 'expired' }, { status: 401 }))
    await expect(http.get('/people')).rejects.toThrow('expired')
    expect(session.token.value).toBeNull()
    expect(session.notice.value).toContain('sign in again')
    expect(sessionStorage).toHaveLength(0)
  })

  it('keeps the new session when an old token is refused late', async () => {
    session.begin('admin', 't1', 'administrator')
    fetched.mockImplementation(() => {
      session.begin('admin', 't2', 'administrator')
      return Promise.resolve(Response.json({}, { status: 401 }))
    })
    await expect(http.get('/people')).rejects.toThrow(Problem)
    expect(session.token.value).toBe('t2')
  })

  it('says nothing of a session when a password was wrong', async () => {
    fetched.mockResolvedValue(Response.json({ detail: 'another password' }, { status: 401 }))
    await expect(http.send('POST', '/auth/token')).rejects.toThrow('another password')
    expect(session.notice.value).toBe('')
  })

  it('keeps a session over a reload of the page', () => {
    session.begin('admin', 't1', 'administrator')
    expect(new Session(sessionStorage).token.value).toBe('t1')
  })
})
