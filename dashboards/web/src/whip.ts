/** This device as a camera: its pictures go to the service by WHIP (RFC 9725). */
import { aborted, isAborted, pause } from './abort'
import type { Backoff } from './backoff'
import { linesOf, Problem } from './problem'
import { RtcSession, type Signaling } from './rtc_session'

export interface PublishState {
  state: 'connecting' | 'live' | 'waiting'
  /** What led to waiting; empty otherwise. */
  reason: string
}

export interface PublishListener {
  state(state: PublishState): void
  /** A connection stands, on which statistics can be read. */
  connected(peer: RTCPeerConnection): void
}

/** Bits a second: 1080p of a person who moves, without blocks on the face. */
const MOST = 6_000_000

/** Publishes `track` until `signal`; connects again where the connection breaks.
 *
 * Throws Problem where the service does not take it, and would not a moment later either.
 */
export async function publish(
  signaling: Signaling,
  camera: string,
  track: MediaStreamTrack,
  listener: PublishListener,
  backoff: Backoff,
  signal: AbortSignal,
): Promise<void> {
  let wasLive = false
  while (!signal.aborted) {
    listener.state({ state: 'connecting', reason: '' })
    try {
      await publishOnce(signaling, camera, track, signal, (peer) => {
        wasLive = true
        backoff.reset()
        listener.connected(peer)
        listener.state({ state: 'live', reason: '' })
      })
    } catch (error) {
      if (isAborted(signal)) return
      if (isFinal(error, wasLive)) throw error
      listener.state({ state: 'waiting', reason: linesOf(error).join(' ') })
    }
    await pause(backoff.next(), signal)
  }
}

async function publishOnce(
  signaling: Signaling,
  camera: string,
  track: MediaStreamTrack,
  signal: AbortSignal,
  connected: (peer: RTCPeerConnection) => void,
): Promise<never> {
  const sending: RTCRtpTransceiverInit = {
    direction: 'sendonly',
    sendEncodings: [{ maxBitrate: MOST }],
  }
  const prepare = (peer: RTCPeerConnection): RTCRtpSender =>
    peer.addTransceiver(track, sending).sender
  const path = `/cameras/${camera}/whip`
  const [session, sender] = await RtcSession.begin(signaling, path, prepare, signal)
  try {
    await keepResolution(sender)
    void session.connected.then(() => connected(session.peer))
    throw await Promise.race([session.over, aborted(signal)])
  } finally {
    session.end()
  }
}

/** Faces want pixels: where there is too little bandwidth, rather fewer pictures. */
async function keepResolution(sender: RTCRtpSender): Promise<void> {
  const wanted = { ...sender.getParameters(), degradationPreference: 'maintain-resolution' }
  // A browser that knows no such preference goes its own way.
  await sender.setParameters(wanted as RTCRtpSendParameters).catch(() => undefined)
}

/** Whether another attempt would be refused as well.
 *
 * After a break the service may take a while to see that the one who publishes already is gone.
 */
function isFinal(error: unknown, wasLive: boolean): boolean {
  if (!(error instanceof Problem) || error.status >= 500 || error.status === 429) return false
  return !(error.status === 409 && wasLive)
}
