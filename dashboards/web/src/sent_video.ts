/** What a connection really sends, from its statistics. */

export interface Sent {
  width: number
  height: number
  framesPerSecond: number
  bitsPerSecond: number
}

/** Looks again and again at one connection. */
export class SentVideo {
  private bytes = 0
  private at: number | null = null

  constructor(private readonly peer: RTCPeerConnection) {}

  /** Null: nothing is sent yet. */
  async look(now: number): Promise<Sent | null> {
    for (const report of (await this.peer.getStats()).values() as Iterable<RTCStats>) {
      if (report.type === 'outbound-rtp') return this.sent(report as RTCOutboundRtpStreamStats, now)
    }
    return null
  }

  private sent(stats: RTCOutboundRtpStreamStats, now: number): Sent | null {
    const { bytesSent = 0, frameWidth, frameHeight, framesPerSecond = 0 } = stats
    const seconds = this.at === null ? 0 : (now - this.at) / 1000
    const bits = seconds > 0 ? (8 * (bytesSent - this.bytes)) / seconds : 0
    this.at = now
    this.bytes = bytesSent
    if (frameWidth === undefined || frameHeight === undefined) return null
    return { width: frameWidth, height: frameHeight, framesPerSecond, bitsPerSecond: bits }
  }
}
