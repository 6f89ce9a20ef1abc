/** A camera's video by WHEP: packets of H.264, which the browser decodes. */
import { RtcSession, type Signaling } from './rtc_session'

/** What the service knows of a viewing. */
export interface WhepStatus {
  state: string
  /** What is added to media_time to get the RTP timestamp; null: not known yet. */
  rtp_origin: number | null
  /** The service encodes it; false: it is the camera's own; null: not known yet. */
  encoded: boolean | null
  /** What the stream is for that its pictures are of; null: not known yet. */
  role: 'analyse' | 'view' | 'detail' | null
  /** Results are matched with its pictures by a clock of the camera, not by their arrival. */
  exact: boolean
  /** RTP timestamp and media_time of each picture that it catches up with. */
  caught_up: [timestamp: number, mediaTime: number][]
}

/** This browser cannot do it: not now, and not later. */
export class Unable extends Error {}

export const BLIND = 'this browser does not tell which frame it shows'

export class WhepSession {
  private constructor(
    private readonly session: RtcSession,
    private readonly receiver: RTCRtpReceiver,
    private readonly video: HTMLVideoElement,
    /** Once the first packet of the video is there. */
    readonly flows: Promise<void>,
  ) {}

  /** Ask for a camera; its pictures come to `video`.
   *
   * Throws Unable, or Problem where the service does not play it.
   */
  static async begin(
    signaling: Signaling,
    camera: string,
    video: HTMLVideoElement,
    signal: AbortSignal,
  ): Promise<WhepSession> {
    checkBrowser(video)
    const prepare = (peer: RTCPeerConnection): RTCRtpReceiver =>
      peer.addTransceiver('video', { direction: 'recvonly' }).receiver
    const path = `/cameras/${camera}/whep`
    const [session, receiver] = await RtcSession.begin(signaling, path, prepare, signal)
    const { track } = receiver
    const flows = new Promise<void>((resolve) => {
      track.addEventListener('unmute', () => resolve(), { once: true })
    })
    video.srcObject = new MediaStream([track])
    return new WhepSession(session, receiver, video, flows)
  }

  /** Path of the session. */
  get path(): string {
    return this.session.path
  }

  /** Why it is over, once it is. */
  get over(): Promise<Error> {
    return this.session.over
  }

  /** Let the browser hold each picture back for so many milliseconds; says whether it can. */
  hold(milliseconds: number): boolean {
    if (!('jitterBufferTarget' in this.receiver)) return false
    this.receiver.jitterBufferTarget = milliseconds
    return true
  }

  end(): void {
    this.session.end()
    this.video.srcObject = null
  }
}

function checkBrowser(video: HTMLVideoElement): void {
  if (!('RTCPeerConnection' in window)) throw new Unable('this browser has no WebRTC')
  const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? []
  if (!codecs.some((one) => one.mimeType.toLowerCase() === 'video/h264')) {
    throw new Unable('this browser plays no H.264')
  }
  if (!('requestVideoFrameCallback' in video) || !('VideoFrame' in window)) {
    throw new Unable(BLIND)
  }
}
