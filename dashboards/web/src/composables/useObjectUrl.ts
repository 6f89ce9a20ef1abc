/** An address for a blob, for as long as it is shown. */
import { onScopeDispose, ref, watch, type Ref } from 'vue'

export function useObjectUrl(blob: () => Blob | null): Readonly<Ref<string | null>> {
  const url = ref<string | null>(null)

  function release(): void {
    if (url.value !== null) URL.revokeObjectURL(url.value)
    url.value = null
  }

  watch(
    blob,
    (now) => {
      release()
      url.value = now === null ? null : URL.createObjectURL(now)
    },
    { immediate: true },
  )
  onScopeDispose(release)
  return url
}
