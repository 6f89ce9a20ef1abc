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

export interface FrameListener {
  frame(frame: ShownFrame): void
  /** The browser does not tell which picture it shows. */
  blind(): void
}

/** Tell `listener` of every picture until the returned function is called.
 *
 * A page in the background is shown none. The callback speaks of the picture that was shown last,
 * and in rare cases the element has the next one by then: so the picture itself is asked where it
 * can tell. Where it cannot, one whose time is another than the callback's is left out, if the
 * browser measures both alike.
 */
export function watchFrames(video: HTMLVideoElement, listener: FrameListener): () => void {
  let handle = 0
  let isAlike = false
  const look: VideoFrameRequestCallback = (_, shown) => {
    handle = video.requestVideoFrameCallback(look)
    const picture = pictureOf(video)
    if (picture === null) return
    const own = (picture as VideoFrame & WithMetadata).metadata?.().rtpTimestamp
    const rtpTimestamp = own ?? shown.rtpTimestamp
    const isSame = Math.abs(picture.timestamp - shown.mediaTime * 1e6) < 1
    isAlike ||= isSame
    if (rtpTimestamp !== undefined && (own !== undefined || isSame || !isAlike)) {
      listener.frame({ picture, rtpTimestamp, receivedAt: shown.receiveTime ?? null })
      return
    }
    picture.close()
    if (rtpTimestamp === undefined) listener.blind()
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
