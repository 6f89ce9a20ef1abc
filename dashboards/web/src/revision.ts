/** Names that were wrong, in results that are held or shown. */
import type { FrameMessage, RevisionMessage } from './wire'

/** The frame as it is known now; the same one if the revision is not about it. */
export function revised(frame: FrameMessage, revision: RevisionMessage): FrameMessage {
  const { track, was, status, person, name, since, until } = revision
  const isMeant = frame.media_time >= since.media_time && frame.media_time < until.media_time
  if (was === null || !isMeant || !frame.faces.some((face) => face.track === track && face.person === was)) {
    return frame
  }
  const faces = frame.faces.map((face) =>
    face.track === track && face.person === was ? { ...face, status, person, name } : face,
  )
  return { ...frame, faces }
}
