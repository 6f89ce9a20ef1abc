/** A camera's video with the boxes of each frame. */
import { onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

import { follow, type Way } from '../follow'
import { linesOf } from '../problem'
import type { Camera } from '../rest'
import { useServices } from '../services'
import { Stage } from '../stage'
import type { FaceMessage } from '../wire'

/** Milliseconds after which it is said that no picture comes. */
const FROZEN = 3000

export interface Viewer {
  stage: Readonly<Ref<Stage | null>>
  /** The judged faces on screen. */
  faces: Readonly<Ref<readonly FaceMessage[]>>
  /** When the last picture was drawn, in Unix seconds; null: none yet. */
  last: Readonly<Ref<number | null>>
  /** Nothing came for a while. */
  frozen: Readonly<Ref<boolean>>
  trouble: Readonly<Ref<readonly string[]>>
  /** How the video comes; null: not known yet. */
  way: Readonly<Ref<Way | null>>
}

export interface Elements {
  canvas: Readonly<Ref<HTMLCanvasElement | null>>
  svg: Readonly<Ref<SVGSVGElement | null>>
  video: Readonly<Ref<HTMLVideoElement | null>>
}

export function useViewer(camera: () => Camera, { canvas, svg, video }: Elements): Viewer {
  const { client, live } = useServices()
  const stage = ref<Stage | null>(null) as Ref<Stage | null>
  const faces = ref<readonly FaceMessage[]>([])
  const trouble = ref<readonly string[]>([])
  const way = ref<Way | null>(null)
  const { last, frozen, drawn, restart } = useFreshness(
    () => 1000 * live.maxAge,
    () => stage.value?.forget(),
  )
  let stop = (): void => undefined

  function begin(): void {
    stop()
    if (stage.value === null || video.value === null) return
    restart()
    stage.value.blank()
    trouble.value = []
    way.value = null
    stop = follow(camera().id, {
      client,
      live,
      stage: stage.value,
      late: () => late(camera()),
      video: video.value,
      drawn: () => {
        trouble.value = []
        drawn()
      },
      trouble: (error) => {
        trouble.value = linesOf(error)
      },
      way: (now) => {
        way.value = now
      },
    })
  }

  onMounted(() => {
    if (canvas.value === null || svg.value === null) return
    stage.value = new Stage(canvas.value, svg.value, (now) => update(faces, now))
    begin()
  })
  watch(() => camera().id, begin)
  onBeforeUnmount(() => {
    stop()
    stage.value?.close()
  })
  return { stage, faces, last, frozen, trouble, way }
}

function late({ stream }: Camera): number | null {
  return stream?.delay_p95 == null ? null : 1000 * stream.delay_p95
}

/** Whether pictures still come; the boxes of one that stands are `onOld` after `oldest` ms. */
function useFreshness(oldest: () => number, onOld: () => void) {
  const last = ref<number | null>(null)
  const frozen = ref(false)
  let at = performance.now()
  const timer = setInterval(() => {
    const stands = performance.now() - at
    if (stands > oldest()) onOld()
    frozen.value = stands > FROZEN
  }, 250)
  onBeforeUnmount(() => clearInterval(timer))
  function drawn(): void {
    at = performance.now()
    last.value = Date.now() / 1000
    frozen.value = false
  }
  function restart(): void {
    at = performance.now()
    last.value = null
    frozen.value = false
  }
  return { last, frozen, drawn, restart }
}

/** Only what changed reaches Vue: a name or a similarity, not every box of every frame. */
function update(faces: Ref<readonly FaceMessage[]>, now: readonly FaceMessage[]): void {
  const judged = now.filter((face) => face.status === 'known' || face.status === 'unknown')
  const sorted = judged.sort((one, other) => one.track - other.track)
  if (signature(sorted) !== signature(faces.value)) faces.value = sorted
}

function signature(faces: readonly FaceMessage[]): string {
  return JSON.stringify(faces.map((one) => [one.track, one.status, one.person, one.name, one.similarity]))
}
