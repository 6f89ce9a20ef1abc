/** Each picture that a video element shows, with the RTP timestamp it came with. */

/** What newer browsers tell of a picture by itself. */
interface WithMetadata {
  metadata?: () => { rtpTimestamp?: number }
}

export interface ShownFrame {
  /** The listener closes it. */
  picture: VideoFrame
  rtpTimestamp: number
  /** When its last packet came, by performance.now(); null: the browser does not tell. */
  receivedAt: number | null
}

/** Tell `listener` of every picture until the returned function is called.
 *
 * A page in the background is shown none. The callback speaks of the picture that was shown last,
 * and in rare cases the element has the next one by then: so the picture itself is asked where it
 * can tell, and where it cannot, one whose time is another than the callback's is left out.
 */
export function watchFrames(
  video: HTMLVideoElement,
  listener: (frame: ShownFrame) => void,
): () => void {
  let handle = 0
  const look: VideoFrameRequestCallback = (_, metadata) => {
    handle = video.requestVideoFrameCallback(look)
    const picture = pictureOf(video)
    if (picture === null) return
    const rtpTimestamp = timestampOf(picture, metadata)
    if (rtpTimestamp === null) {
      picture.close()
      return
    }
    listener({ picture, rtpTimestamp, receivedAt: metadata.receiveTime ?? null })
  }
  handle = video.requestVideoFrameCallback(look)
  return () => video.cancelVideoFrameCallback(handle)
}

/** Null where it is gone already: a stream that ends takes its last picture with it. */
function pictureOf(video: HTMLVideoElement): VideoFrame | null {
  try {
    return new VideoFrame(video)
  } catch {
    return null
  }
}

function timestampOf(picture: VideoFrame, shown: VideoFrameCallbackMetadata): number | null {
  const own = (picture as VideoFrame & WithMetadata).metadata?.().rtpTimestamp
  if (own !== undefined) return own
  const same = Math.abs(picture.timestamp - shown.mediaTime * 1e6) < 1
  return same ? (shown.rtpTimestamp ?? null) : null
}
