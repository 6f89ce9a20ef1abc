/** Requests with the token, and errors as problems. */
import { problemOf } from './problem'
import type { Session } from './session'

export class Http {
  constructor(
    private readonly base: string,
    private readonly session: Session,
  ) {}

  /** An answer that is a success; its body is not read yet.
   *
   * Throws Problem for every other answer; after a 401 the session is over.
   */
  async answer(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const token = this.session.token.value
    const headers = new Headers(init.headers)
    if (token !== null) headers.set('Authorization', `Bearer ${token}`)
    const response = await fetch(this.base + path, { ...init, method, headers })
    if (response.ok) return response
    const problem = await problemOf(response)
    // The answer to an old token says nothing of the one that replaced it.
    if (response.status === 401 && token !== null && this.session.token.value === token) {
      this.session.end('You were signed out. Please sign in again.')
    }
    throw problem
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.answer('GET', path)).json()) as T
  }

  async send<T>(method: 'POST' | 'PATCH', path: string, body?: unknown): Promise<T> {
    return (await (await this.answer(method, path, encoded(body))).json()) as T
  }

  async remove(path: string): Promise<void> {
    await this.answer('DELETE', path)
  }

  async blob(path: string): Promise<Blob> {
    return (await this.answer('GET', path)).blob()
  }

  /** Where something of the service is, for other programs. */
  address(path: string): string {
    return new URL(this.base + path, location.href).href
  }

  /** Where a websocket of the service is. */
  socket(path: string): string {
    const url = new URL(this.address(path))
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    return url.href
  }
}

function encoded(body: unknown): RequestInit {
  if (body === undefined) return {}
  if (body instanceof FormData || body instanceof URLSearchParams) return { body }
  return { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
}
