/** What WHIP (RFC 9725) and WHEP share: one offer, one answer, a session that ends. */

/** The service's side of it. */
export interface Signaling {
  /** The servers that an endpoint advises before an offer is made. */
  iceServers(path: string): Promise<RTCIceServer[]>
  /** Throws Problem where the offer is not taken. */
  offer(path: string, sdp: string, signal: AbortSignal): Promise<Answered>
  /** Ends a session; is sent even while the page goes away. */
  hangUp(session: string): Promise<void>
}

export interface Answered {
  sdp: string
  /** Path of the session. */
  session: string
}

/** The connection is over, or never came to be. */
export class Disconnected extends Error {}

/** Milliseconds: for candidates; until it is connected; until a lost one may be back by itself. */
const GATHERING = 1500
const CONNECTING = 10_000
const RECOVERY = 4000
/** What a service that is away may take to hear of an end. */
const FAREWELL = 2000

export class RtcSession {
  /** It stands. */
  readonly connected: Promise<void>
  /** Why the connection is over, once it is. */
  readonly over: Promise<Disconnected>
  private timer: ReturnType<typeof setTimeout> | null = null
  private isEnded = false

  private constructor(
    readonly peer: RTCPeerConnection,
    readonly path: string,
    private readonly signaling: Signaling,
  ) {
    this.over = new Promise((resolve) => this.watch(resolve))
    this.connected = new Promise((resolve) => {
      peer.addEventListener('connectionstatechange', () => {
        if (peer.connectionState === 'connected') resolve()
      })
    })
    window.addEventListener('pagehide', this.end)
  }

  /** Offer what `prepare` adds to a new connection; returns what that gave, while it connects.
   *
   * Throws Problem, or whatever `prepare` throws; then nothing is left behind.
   */
  static async begin<T>(
    signaling: Signaling,
    path: string,
    prepare: (peer: RTCPeerConnection) => T,
    signal: AbortSignal,
  ): Promise<[RtcSession, T]> {
    const peer = new RTCPeerConnection({ iceServers: await signaling.iceServers(path) })
    try {
      const prepared = prepare(peer)
      await peer.setLocalDescription()
      await gathered(peer)
      const sdp = peer.localDescription?.sdp ?? ''
      const answered = await signaling.offer(path, sdp, signal)
      const session = new RtcSession(peer, answered.session, signaling)
      await session.accept(answered.sdp)
      return [session, prepared]
    } catch (error) {
      peer.close()
      throw error
    }
  }

  /** Tell the service, and close; once is enough. */
  readonly end = (): void => {
    if (this.isEnded) return
    this.isEnded = true
    window.removeEventListener('pagehide', this.end)
    this.rest()
    // In this order, since a session whose connection was closed is unknown to the service.
    const close = (): void => this.peer.close()
    const timer = setTimeout(close, FAREWELL)
    void this.signaling
      .hangUp(this.path)
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(timer)
        close()
      })
  }

  private async accept(sdp: string): Promise<void> {
    try {
      await this.peer.setRemoteDescription({ type: 'answer', sdp })
    } catch (error) {
      this.end()
      throw error
    }
  }

  private watch(over: (why: Disconnected) => void): void {
    const failed = (): void => over(new Disconnected(NO_CONNECTION))
    const lost = (): void => over(new Disconnected('the connection was lost'))
    this.timer = setTimeout(failed, CONNECTING)
    let wasConnected = false
    this.peer.addEventListener('connectionstatechange', () => {
      if (this.isEnded) return
      const state = this.peer.connectionState
      if (state === 'new' || state === 'connecting') return
      this.rest()
      if (state === 'connected') wasConnected = true
      if (state === 'failed' || state === 'closed') (wasConnected ? lost : failed)()
      if (state === 'disconnected') this.timer = setTimeout(lost, RECOVERY)
    })
  }

  private rest(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
  }
}

const NO_CONNECTION = 'no connection; a firewall may block UDP'

/** All candidates are known, or enough time was given to those that are slow. */
function gathered(peer: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      peer.removeEventListener('icegatheringstatechange', look)
      resolve()
    }
    const look = (): void => {
      if (peer.iceGatheringState === 'complete') done()
    }
    const timer = setTimeout(done, GATHERING)
    peer.addEventListener('icegatheringstatechange', look)
    look()
  })
}
