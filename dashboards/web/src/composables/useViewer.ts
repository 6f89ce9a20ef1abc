/** A camera's video with the boxes of each frame. */
import { onBeforeUnmount, onMounted, ref, watch, type Ref } from 'vue'

import { Backoff } from '../backoff'
import { linesOf } from '../problem'
import { Pairing } from '../pairing'
import { useServices } from '../services'
import { Stage } from '../stage'
import { watchVideo, type VideoListener } from '../video'
import type { FaceMessage } from '../wire'

/** Milliseconds after which a picture is not of now any more. */
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
}

export function useViewer(
  camera: () => string,
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  svg: Readonly<Ref<SVGSVGElement | null>>,
): Viewer {
  const stage = ref<Stage | null>(null) as Ref<Stage | null>
  const faces = ref<readonly FaceMessage[]>([])
  const trouble = ref<readonly string[]>([])
  const { last, frozen, drawn, restart } = useFreshness(() => stage.value?.forget())
  const follow = useFollowing(trouble)
  let stop = (): void => undefined

  function begin(): void {
    stop()
    if (stage.value === null) return
    restart()
    stage.value.blank()
    stop = follow(camera(), stage.value, drawn)
  }

  onMounted(() => {
    if (canvas.value === null || svg.value === null) return
    stage.value = new Stage(canvas.value, svg.value, (now) => update(faces, now))
    begin()
  })
  watch(camera, begin)
  onBeforeUnmount(() => {
    stop()
    stage.value?.close()
  })
  return { stage, faces, last, frozen, trouble }
}

/** Starts to draw a camera; what is returned ends it. */
function useFollowing(trouble: Ref<readonly string[]>) {
  const { client, live } = useServices()
  return (camera: string, stage: Stage, drawn: () => void): (() => void) => {
    const ended = new AbortController()
    const pairing = new Pairing<ImageBitmap>(stage)
    const listener: VideoListener = {
      begin: () => pairing.reset(),
      picture: (seq, picture) => {
        if (ended.signal.aborted) {
          picture.close()
          return
        }
        trouble.value = []
        drawn()
        pairing.picture(seq, picture)
      },
      trouble: (error) => {
        trouble.value = linesOf(error)
      },
    }
    const deaf = live.listen({
      frame: (message) => {
        if (message.camera === camera) pairing.result(message)
      },
    })
    live.subscribe([camera])
    const open = (signal: AbortSignal): Promise<Response> => client.video(camera, signal)
    void watchVideo(open, listener, new Backoff(), ended.signal)
    return () => {
      ended.abort()
      deaf()
      live.subscribe([])
      pairing.reset()
      trouble.value = []
    }
  }
}

/** Whether pictures still come. */
function useFreshness(onFreeze: () => void) {
  const last = ref<number | null>(null)
  const frozen = ref(false)
  let at = performance.now()
  const timer = setInterval(() => {
    const late = performance.now() - at > FROZEN
    if (late && !frozen.value) onFreeze()
    frozen.value = late
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
