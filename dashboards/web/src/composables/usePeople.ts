/** People whose name contains a text, page by page. */
import { onScopeDispose, ref, watch, type Ref } from 'vue'

import { linesOf } from '../problem'
import type { Person } from '../rest'
import { useServices } from '../services'

/** Milliseconds without a key stroke before it is searched. */
const PAUSE = 200

export interface People {
  query: Ref<string>
  /** Null: not known yet. */
  people: Readonly<Ref<readonly Person[] | null>>
  /** There are more of them. */
  hasMore: Readonly<Ref<boolean>>
  problems: Readonly<Ref<readonly string[]>>
  refresh: () => Promise<void>
  more: () => Promise<void>
}

export function usePeople(): People {
  const { client } = useServices()
  const query = ref('')
  const people = ref<readonly Person[] | null>(null)
  const hasMore = ref(false)
  const problems = ref<readonly string[]>([])
  let next: string | null = null
  let asked = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  /** An answer that was overtaken by a later question is dropped. */
  async function load(after: string | null, before: readonly Person[], limit: number): Promise<void> {
    asked += 1
    const mine = asked
    try {
      const page = await client.people(query.value.trim(), after, limit)
      if (mine !== asked) return
      people.value = [...before, ...page.items]
      next = page.next
      hasMore.value = next !== null
      problems.value = []
    } catch (error) {
      if (mine === asked) problems.value = linesOf(error)
    }
  }

  function refresh(): Promise<void> {
    return load(null, [], Math.min(500, Math.max(50, people.value?.length ?? 0)))
  }

  function more(): Promise<void> {
    return load(next, people.value ?? [], 50)
  }

  watch(query, () => {
    clearTimeout(timer)
    timer = setTimeout(() => void load(null, [], 50), PAUSE)
  })
  onScopeDispose(() => clearTimeout(timer))
  void refresh()
  return { query, people, hasMore, problems, refresh, more }
}
