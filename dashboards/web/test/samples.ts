import type { FaceMessage, FrameMessage } from '../src/wire'

/** A result without faces, or with those given. */
export function frame(seq: number, faces: FaceMessage[] = [], camera = 'c1'): FrameMessage {
  const [width, height] = [960, 540]
  return {
    type: 'frame',
    camera,
    seq,
    media_time: 90_000 * seq,
    captured_at: seq,
    rtp_timestamp: null,
    width,
    height,
    faces,
  }
}

export function face(track: number, more: Partial<FaceMessage> = {}): FaceMessage {
  return {
    track,
    box: [100, 100, 50, 60],
    detection_score: 0.9,
    status: 'unknown',
    person: null,
    name: null,
    similarity: 0.8834,
    ...more,
  }
}
