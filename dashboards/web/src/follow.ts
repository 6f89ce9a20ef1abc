/** One camera on the stage: by WebRTC or as pictures, with the boxes of each frame. */
import { aborted, pause } from './abort'
import { Backoff } from './backoff'
import type { Client } from './client'
import type { Live } from './live'
import { Pairing } from './pairing'
import { play, type Ways } from './player'
import type { Stage } from './stage'
import { watchVideo, type VideoListener } from './video'
import { Viewing, type Source } from './viewing'
import { WhepSession } from './whep'

/** How the video comes. */
export type Way =
  /** By WebRTC; `delay` in milliseconds. */
  | { kind: 'webrtc'; delay: number; source: Source }
  /** As pictures, and why. */
  | { kind: 'pictures'; why: string }

export interface FollowParts {
  client: Client
  live: Live
  stage: Stage
  /** Milliseconds from a frame's capture to its result, of most frames; null: not known. */
  late: () => number | null
  /** Where the browser decodes to. */
  video: HTMLVideoElement
  /** A picture was drawn. */
  drawn: () => void
  /** What keeps pictures from coming. */
  trouble: (error: unknown) => void
  way: (way: Way) => void
}

/** Milliseconds between attempts at WebRTC. */
const FIRST = 1000
const LONGEST = 60_000

/** Starts to draw a camera; what is returned ends it. */
export function follow(camera: string, parts: FollowParts): () => void {
  const ended = new AbortController()
  const ways: Ways = {
    webrtc: (shown, signal) => byWebRtc(camera, parts, shown, signal),
    pictures: (signal) => asPictures(camera, parts, signal),
    rest: (milliseconds, signal) => restUntilLive(camera, parts.live, milliseconds, signal),
    fallen: (why) => {
      if (why !== null) parts.way({ kind: 'pictures', why })
    },
  }
  parts.live.subscribe([camera])
  void play(ways, new Backoff(FIRST, LONGEST), ended.signal)
  return () => {
    ended.abort()
    parts.live.subscribe([])
  }
}

/** A camera that becomes live may be played at once. */
function restUntilLive(
  camera: string,
  live: Live,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  const isLive = new AbortController()
  const deaf = live.listen({
    camera: (message) => {
      if (message.camera === camera && message.state === 'live') isLive.abort()
    },
  })
  return pause(milliseconds, AbortSignal.any([signal, isLive.signal])).finally(deaf)
}

async function byWebRtc(
  camera: string,
  { client, live, stage, late, video, drawn, way }: FollowParts,
  first: () => void,
  signal: AbortSignal,
): Promise<never> {
  const session = await WhepSession.begin(client, camera, video, signal)
  const viewing = new Viewing({
    session,
    video,
    screen: stage,
    status: (path) => client.viewing(path),
    maxAge: () => live.maxAge,
    late: late(),
    shown: () => {
      first()
      drawn()
    },
    told: (delay, source) => way({ kind: 'webrtc', delay, source }),
  })
  const deaf = live.listen({
    frame: (message) => {
      if (message.camera === camera) viewing.result(message)
    },
    revision: (message) => {
      if (message.camera !== camera) return
      viewing.revise(message)
      stage.revise(message)
    },
  })
  try {
    throw await Promise.race([session.over, viewing.over, aborted(signal)])
  } finally {
    deaf()
    viewing.close()
    session.end()
  }
}

function asPictures(
  camera: string,
  { client, live, stage, drawn, trouble }: FollowParts,
  signal: AbortSignal,
): void {
  const pairing = new Pairing<ImageBitmap>(stage)
  const listener: VideoListener = {
    begin: () => pairing.reset(),
    picture: (seq, picture) => {
      if (signal.aborted) {
        picture.close()
        return
      }
      drawn()
      pairing.picture(seq, picture)
    },
    trouble,
  }
  const deaf = live.listen({
    frame: (message) => {
      if (message.camera === camera) pairing.result(message)
    },
    revision: (message) => {
      if (message.camera !== camera) return
      pairing.revise(message)
      stage.revise(message)
    },
  })
  signal.addEventListener('abort', () => {
    deaf()
    pairing.reset()
  })
  void watchVideo((until) => client.video(camera, until), listener, new Backoff(), signal)
}
