/** The processes that watch the cameras, kept up to date. */
import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'

import type { Shard } from '../rest'
import { useServices } from '../services'
import { usePolling } from './usePolling'

export interface Shards {
  shards: Readonly<ShallowRef<readonly Shard[]>>
  /** By a camera's id, the shard that watches it. */
  watching: ComputedRef<ReadonlyMap<string, Shard>>
}

export function useShards(): Shards {
  const { client, session } = useServices()
  const shards = shallowRef<readonly Shard[]>([])
  const watching = computed(
    () => new Map(shards.value.flatMap((shard) => shard.cameras.map((id) => [id, shard] as const))),
  )

  async function refresh(): Promise<void> {
    // Whatever fails here fails for the cameras, too, and is said there.
    shards.value = await client.shards().catch(() => [])
  }

  if (session.mayChange.value) usePolling(refresh)
  return { shards, watching }
}
