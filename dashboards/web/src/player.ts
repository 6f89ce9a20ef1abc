/** Which way a camera's video comes: by WebRTC where that goes, else as pictures. */
import { isAborted } from './abort'
import type { Backoff } from './backoff'
import { linesOf, Problem } from './problem'
import { Unable } from './whep'

export interface Ways {
  /** By WebRTC; `shown` is called with the first picture. Rejects when it goes no further. */
  webrtc(shown: () => void, signal: AbortSignal): Promise<never>
  /** As pictures, until `signal`. */
  pictures(signal: AbortSignal): void
  /** Wait for so many milliseconds before WebRTC is tried again, or until there is news. */
  rest(milliseconds: number, signal: AbortSignal): Promise<void>
  /** Pictures are shown, and why; null: WebRTC is. */
  fallen(why: string | null): void
}

/** Shows a camera until `signal`.
 *
 * Pictures begin where WebRTC brought none, and go on while it is tried again from time to time. A
 * connection that had shown some and broke is tried again first.
 */
export async function play(ways: Ways, backoff: Backoff, signal: AbortSignal): Promise<void> {
  let pictures: AbortController | null = null
  const stop = (): void => {
    pictures?.abort()
    pictures = null
  }
  signal.addEventListener('abort', stop, { once: true })
  while (!signal.aborted) {
    const attempt = { shown: false }
    const shown = (): void => {
      if (attempt.shown) return
      attempt.shown = true
      backoff.reset()
      stop()
      ways.fallen(null)
    }
    const error = await failure(ways.webrtc(shown, signal))
    if (isAborted(signal)) return
    if (!attempt.shown) {
      pictures ??= begun(ways)
      ways.fallen(linesOf(error).join(' '))
      if (isFinal(error)) return
    }
    await ways.rest(waitAfter(error, backoff), signal)
  }
}

function begun(ways: Ways): AbortController {
  const ended = new AbortController()
  ways.pictures(ended.signal)
  return ended
}

async function failure(attempt: Promise<never>): Promise<unknown> {
  try {
    return await attempt
  } catch (error) {
    return error
  }
}

/** Whether another attempt would end as this one did. */
function isFinal(error: unknown): boolean {
  if (error instanceof Unable) return true
  return error instanceof Problem && [401, 404].includes(error.status)
}

function waitAfter(error: unknown, backoff: Backoff): number {
  const asked = error instanceof Problem ? error.retryAfter : null
  return Math.max(asked ?? 0, backoff.next())
}
