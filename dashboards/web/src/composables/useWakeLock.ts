/** A screen that stays on: a phone that goes to sleep turns its camera off. */
import { onBeforeUnmount } from 'vue'

export function useWakeLock() {
  let lock: Promise<WakeLockSentinel | null> = Promise.resolve(null)
  let isWanted = false

  function ask(): void {
    if (!isWanted || document.hidden || !('wakeLock' in navigator)) return
    // Refused where the battery is low: then it sleeps.
    lock = navigator.wakeLock.request('screen').catch(() => null)
  }

  function keepAwake(): void {
    isWanted = true
    ask()
  }

  function letSleep(): void {
    isWanted = false
    void lock.then((held) => held?.release())
  }

  // The browser lets go of it when the page goes to the background.
  document.addEventListener('visibilitychange', ask)
  onBeforeUnmount(() => {
    document.removeEventListener('visibilitychange', ask)
    letSleep()
  })
  return { keepAwake, letSleep }
}
