/** The results of a camera by time, and the boxes of a frame that has none of its own.
 *
 * Nothing is drawn that is older than the service's `live.max_age`: no result goes on for longer, and
 * a picture that is so far behind the newest result gets no boxes at all.
 */
import { revised } from './revision'
import type { FaceMessage, FrameMessage, RevisionMessage } from './wire'

/** Boxes for one frame; exact: they were computed from it, and not estimated from its neighbours. */
export interface Boxes {
  frame: FrameMessage
  exact: boolean
}

/** Ticks of media_time: 90 kHz. */
const SECOND = 90_000
/** Between results so far apart nothing is estimated: people turn. */
const FARTHEST = SECOND
/** So far past the last result its boxes go on; then they are of the past. */
const REACH = 0.3 * SECOND

type Box = FaceMessage['box']

export class Timeline {
  /** By media_time. */
  private readonly results: FrameMessage[] = []

  /** `maxAge` in seconds; `kept` results: more than come while a picture is held back. */
  constructor(
    private readonly maxAge: () => number,
    private readonly kept = 256,
  ) {}

  add(result: FrameMessage): void {
    const before = this.results.findLastIndex((one) => one.media_time <= result.media_time)
    if (this.results[before]?.media_time === result.media_time) return
    this.results.splice(before + 1, 0, result)
    if (this.results.length > this.kept) this.results.shift()
  }

  revise(revision: RevisionMessage): void {
    for (const [at, result] of this.results.entries()) this.results[at] = revised(result, revision)
  }

  clear(): void {
    this.results.length = 0
  }

  /** The boxes of the frame of this time; null: nothing is known of it.
   *
   * A result that is `rounding` ticks away at the most is the frame's own; null: none is for sure.
   */
  at(time: number, rounding: number | null = 0): Boxes | null {
    const oldest = this.maxAge() * SECOND
    const index = this.results.findLastIndex((one) => one.media_time <= time)
    const [last, next, newest] = [this.results[index], this.results[index + 1], this.results.at(-1)]
    if (newest === undefined || newest.media_time - time > oldest) return null
    const reach = rounding ?? -1
    const own = [last, next].find((one) => one && Math.abs(one.media_time - time) <= reach)
    if (own !== undefined) return { frame: own, exact: true }
    if (last === undefined || time - last.media_time > oldest) return null
    const faces = next ? between(last, next, time) : beyond(this.results[index - 1], last, time)
    return faces === null ? null : { frame: { ...last, faces }, exact: false }
  }
}

/** The tracks of two neighbours, where they were in between. */
function between(last: FrameMessage, next: FrameMessage, time: number): FaceMessage[] | null {
  if (next.media_time - last.media_time > FARTHEST) return null
  return last.faces.flatMap((face) => {
    const later = next.faces.find((one) => one.track === face.track)
    if (later === undefined) return []
    return [{ ...agreed(face, later), box: moved(last, face, next, later, time) }]
  })
}

/** The tracks of the last result, gone on as they moved before. */
function beyond(
  earlier: FrameMessage | undefined,
  last: FrameMessage,
  time: number,
): FaceMessage[] | null {
  if (time - last.media_time > REACH) return null
  const near = earlier && last.media_time - earlier.media_time <= FARTHEST ? earlier : undefined
  return last.faces.map((face) => {
    const before = near?.faces.find((one) => one.track === face.track)
    return near && before ? { ...face, box: moved(last, face, near, before, time) } : face
  })
}

/** A name that is only on one side was given or taken back in between: it is on neither. */
function agreed(face: FaceMessage, later: FaceMessage): FaceMessage {
  if (face.status === later.status && face.person === later.person) return face
  return { ...face, status: 'pending', person: null, name: null, similarity: null }
}

/** The box at `time` on the straight line through two; in pixels of the first one's frame. */
function moved(
  from: FrameMessage,
  first: FaceMessage,
  to: FrameMessage,
  second: FaceMessage,
  time: number,
): Box {
  const share = (time - from.media_time) / (to.media_time - from.media_time)
  const scale = [from.width / to.width, from.height / to.height]
  const value = (at: 0 | 1 | 2 | 3): number => {
    const end = second.box[at] * (scale[at % 2] ?? 1)
    return first.box[at] + (end - first.box[at]) * share
  }
  return [value(0), value(1), Math.max(1, value(2)), Math.max(1, value(3))]
}
