/** What is asked for again and again while somebody looks. */
import { onBeforeUnmount } from 'vue'

/** Milliseconds. */
const PERIOD = 3000

/** Ask at once, and then as long as the page is in front. */
export function usePolling(refresh: () => Promise<void>): void {
  const timer = setInterval(() => {
    if (!document.hidden) void refresh()
  }, PERIOD)
  onBeforeUnmount(() => clearInterval(timer))
  void refresh()
}
