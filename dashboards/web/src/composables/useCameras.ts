/** The cameras and how they are, kept up to date. */
import { onBeforeUnmount, ref, type Ref } from 'vue'

import { linesOf } from '../problem'
import type { Camera } from '../rest'
import { useServices } from '../services'
import { usePolling } from './usePolling'

export interface Cameras {
  /** Null: not known yet. */
  cameras: Readonly<Ref<readonly Camera[] | null>>
  problems: Readonly<Ref<readonly string[]>>
  refresh: () => Promise<void>
}

export function useCameras(): Cameras {
  const { client, live } = useServices()
  const cameras = ref<readonly Camera[] | null>(null)
  const problems = ref<readonly string[]>([])

  async function refresh(): Promise<void> {
    try {
      cameras.value = await client.cameras()
      problems.value = []
    } catch (error) {
      problems.value = linesOf(error)
    }
  }

  const deaf = live.listen({
    camera: ({ camera, state, reason, since }) => {
      cameras.value =
        cameras.value?.map((one) => (one.id === camera ? { ...one, state, reason, since } : one)) ??
        null
    },
  })
  onBeforeUnmount(deaf)
  // States of cameras that nobody looks at come by asking.
  usePolling(refresh)
  return { cameras, problems, refresh }
}
