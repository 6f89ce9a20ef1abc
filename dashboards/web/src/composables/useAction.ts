/** Something that a person asked for: whether it runs, and what went wrong. */
import { ref, type Ref } from 'vue'

import { linesOf } from '../problem'

export interface Action {
  busy: Readonly<Ref<boolean>>
  problems: Readonly<Ref<readonly string[]>>
  /** Says whether it went well; does nothing while another one runs. */
  run: (work: () => Promise<void>) => Promise<boolean>
}

export function useAction(): Action {
  const busy = ref(false)
  const problems = ref<readonly string[]>([])

  async function run(work: () => Promise<void>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    problems.value = []
    try {
      await work()
      return true
    } catch (error) {
      problems.value = linesOf(error)
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, problems, run }
}
