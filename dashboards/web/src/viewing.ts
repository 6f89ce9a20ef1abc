/** A camera by WebRTC, each picture drawn together with the boxes of that very frame. */
import { FrameClock } from './frame_clock'
import { FrameQueue } from './frame_queue'
import { Holdback, percentile } from './holdback'
import { Problem } from './problem'
import { watchFrames, type ShownFrame } from './shown_frames'
import { Timeline, type Boxes } from './timeline'
import { BLIND, Unable, type WhepSession, type WhepStatus } from './whep'
import type { FrameMessage, RevisionMessage } from './wire'

export interface ExactScreen {
  /** A picture with its boxes, both of `mediaTime`; null where that is not known. */
  show(picture: VideoFrame, mediaTime: number | null, boxes: Boxes | null): void
  /** The boxes of the picture that is on screen. */
  annotate(result: FrameMessage): void
}

export interface ViewingParts {
  session: WhepSession
  video: HTMLVideoElement
  screen: ExactScreen
  status: (session: string) => Promise<WhepStatus>
  shown: () => void
  /** Every second: by how many milliseconds pictures come later than they could. */
  told: (delay: number, encoded: boolean | null) => void
}

/** No picture comes, though the connection seems to stand. */
export class NoPicture extends Error {}

/** Milliseconds. */
const TICK = 1000
/** Without a picture on a page that is in front. */
const PATIENCE = 6000
/** Results that go on for so long without a picture tell that the camera is not to blame. */
const WITNESS = 2000
/** Between questions to the service: while it does not know the origin yet, and later. */
const SOON = 200
const LATER = 10_000

export class Viewing {
  /** Why it has to end, once it has. */
  readonly over: Promise<Error>
  private readonly clock = new FrameClock(Date.now())
  private readonly timeline = new Timeline()
  private readonly holdback = new Holdback(performance.now())
  private readonly queue = new FrameQueue((frame) => this.draw(frame))
  private readonly unwatch: () => void
  private readonly timer: ReturnType<typeof setInterval>
  private asking: ReturnType<typeof setTimeout> | null = null
  private onScreen: { time: number | null; exact: boolean } | null = null
  private drawnAt = performance.now()
  private heardAt = 0
  private ages: number[] = []
  private encoded: boolean | null = null
  private isOpen = true
  private fail: (why: Error) => void = () => undefined

  constructor(private readonly parts: ViewingParts) {
    this.over = new Promise((resolve) => {
      this.fail = resolve
    })
    this.unwatch = watchFrames(parts.video, {
      frame: (frame) => this.queue.push(frame),
      blind: () => this.fail(new Unable(BLIND)),
    })
    this.timer = setInterval(() => this.tick(performance.now()), TICK)
    this.hold()
  }

  result(result: FrameMessage): void {
    this.heardAt = performance.now()
    this.clock.meet(result.media_time)
    this.timeline.add(result)
    this.holdback.arrived(result.media_time, this.heardAt)
    if (this.onScreen?.time !== result.media_time || this.onScreen.exact) return
    this.onScreen.exact = true
    this.parts.screen.annotate(result)
  }

  /** Correct the results that wait for their pictures. */
  revise(revision: RevisionMessage): void {
    this.timeline.revise(revision)
  }

  close(): void {
    this.isOpen = false
    clearInterval(this.timer)
    if (this.asking !== null) clearTimeout(this.asking)
    this.unwatch()
    this.queue.close()
  }

  private draw({ picture, rtpTimestamp, receivedAt }: ShownFrame): void {
    const now = (this.drawnAt = performance.now())
    const time = this.clock.mediaTime(rtpTimestamp)
    const boxes = time === null ? null : this.timeline.at(time)
    this.parts.screen.show(picture, time, boxes)
    if (this.onScreen === null) void this.ask()
    this.onScreen = { time, exact: boxes?.exact ?? false }
    if (time !== null) this.holdback.shown(time, now)
    this.ages.push(receivedAt === null ? this.holdback.target : now - receivedAt)
    this.parts.shown()
  }

  private tick(now: number): void {
    if (document.hidden) this.drawnAt = now // nothing is shown there, and nothing is missed
    if (this.holdback.adapt(now)) this.hold()
    if (this.ages.length > 0) this.parts.told(percentile(this.ages.splice(0), 0.5), this.encoded)
    const isWanted = this.onScreen === null || this.heardAt - this.drawnAt > WITNESS
    if (isWanted && now - this.drawnAt > PATIENCE) this.fail(new NoPicture('no picture came'))
  }

  private hold(): void {
    const { target } = this.holdback
    this.queue.delay = this.parts.session.hold(target) ? 0 : target
  }

  /** Ask the service how pictures and results go together; later, whether it knows us still. */
  private async ask(): Promise<void> {
    try {
      const status = await this.parts.status(this.parts.session.path)
      this.clock.origin = status.rtp_origin
      this.encoded = status.encoded
    } catch (error) {
      // What is no answer says nothing: the connection itself may be well.
      if (error instanceof Problem && error.status === 404) this.fail(error)
    }
    const wait = this.clock.origin === null ? SOON : LATER
    if (this.isOpen) this.asking = setTimeout(() => void this.ask(), wait)
  }
}
