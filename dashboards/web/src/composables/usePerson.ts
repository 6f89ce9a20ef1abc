/** A person with faces. */
import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

import { linesOf } from '../problem'
import type { Face, Person } from '../rest'
import { useServices } from '../services'

export interface Somebody {
  /** Null: not known yet, or not there. */
  person: Readonly<ShallowRef<Person | null>>
  faces: Readonly<ShallowRef<readonly Face[]>>
  problems: Readonly<Ref<readonly string[]>>
  refresh: () => Promise<void>
}

export function usePerson(id: () => string): Somebody {
  const { client } = useServices()
  const person = shallowRef<Person | null>(null)
  const faces = shallowRef<readonly Face[]>([])
  const problems = ref<readonly string[]>([])

  async function refresh(): Promise<void> {
    const wanted = id()
    try {
      const [somebody, theirs] = await Promise.all([client.person(wanted), client.faces(wanted)])
      if (wanted !== id()) return
      person.value = somebody
      faces.value = theirs
      problems.value = []
    } catch (error) {
      if (wanted === id()) problems.value = linesOf(error)
    }
  }

  watch(
    id,
    () => {
      person.value = null
      faces.value = []
      problems.value = []
      void refresh()
    },
    { immediate: true },
  )
  return { person, faces, problems, refresh }
}
