/** Waiting that ends early where it is not wanted any more. */

/** Wait, or less where `signal` comes before. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

/** Whether `signal` came. A function, since the compiler takes a check of the property for lasting. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted
}

/** An error to end with, once `signal` comes. */
export function aborted(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    const done = (): void => resolve(new Error('not wanted any more'))
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
