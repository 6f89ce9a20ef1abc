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
  /** Milliseconds from a frame's capture to its result, of most frames; null: not known. */
  late: number | null
  /** Seconds after which a result is not shown any more. */
  maxAge: () => number
  shown: () => void
  /** Every second: by how many milliseconds pictures come later than they could. */
  told: (delay: number, source: Source) => void
}

/** What is known of the pictures, as the service says. */
export type Source = Pick<WhepStatus, 'encoded' | 'role' | 'exact'>

/** No picture comes, though the connection seems to stand. */
export class NoPicture extends Error {}

/** Milliseconds. */
const TICK = 1000
/** Without a picture on a page that is in front. */
const PATIENCE = 6000
/** Results that go on for so long without a picture tell that the camera is not to blame. */
const WITNESS = 2000
/** Between questions to the service: while pictures are caught up with, and later. */
const SOON = 100
const LATER = 10_000
/** Without a picture: perhaps some were lost, and are sent again. */
const GAP = 250

export class Viewing {
  /** Why it has to end, once it has. */
  readonly over: Promise<Error>
  private readonly clock = new FrameClock(Date.now())
  private readonly timeline: Timeline
  private readonly holdback: Holdback
  private readonly queue = new FrameQueue((frame) => this.draw(frame))
  private readonly unwatch: () => void
  private readonly timer: ReturnType<typeof setInterval>
  private asking: ReturnType<typeof setTimeout> | null = null
  private isAsking = false
  private onScreen: { time: number | null; exact: boolean } | null = null
  private drawnAt = performance.now()
  private heardAt = 0
  private ages: number[] = []
  private source: Source = { encoded: null, role: null, exact: true }
  private width = 0
  private isOpen = true
  private fail: (why: Error) => void = () => undefined

  constructor(private readonly parts: ViewingParts) {
    this.over = new Promise((resolve) => {
      this.fail = resolve
    })
    this.timeline = new Timeline(parts.maxAge)
    this.holdback = new Holdback(performance.now(), parts.late)
    this.unwatch = watchFrames(parts.video, {
      frame: (frame) => this.queue.push(frame),
      blind: () => this.fail(new Unable(BLIND)),
    })
    this.timer = setInterval(() => this.tick(performance.now()), TICK)
    this.hold()
    void parts.session.flows.then(() => this.ask())
  }

  result(result: FrameMessage): void {
    this.heardAt = performance.now()
    this.clock.meet(result.media_time)
    this.timeline.add(result)
    this.holdback.arrived(result.media_time, this.heardAt)
    const shown = this.onScreen
    if (shown === null || shown.exact || !this.clock.isOf(result.media_time, shown.time)) return
    shown.exact = true
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

  private isOver(): boolean {
    return !this.isOpen
  }

  private draw({ picture, rtpTimestamp, receivedAt }: ShownFrame): void {
    const now = performance.now()
    // Pictures of another size may be another stream's.
    const isAnother = this.width !== picture.displayWidth
    if (isAnother || now - this.drawnAt > GAP) void this.ask()
    this.width = picture.displayWidth
    this.drawnAt = now
    const time = this.clock.mediaTime(rtpTimestamp)
    const boxes = time === null ? null : this.timeline.at(time, this.clock.rounding)
    this.parts.screen.show(picture, time, boxes)
    this.onScreen = { time, exact: boxes?.exact ?? false }
    const hasPace = time !== null && !this.clock.isCaughtUp(rtpTimestamp)
    if (hasPace) this.holdback.shown(time, now)
    this.ages.push(receivedAt === null ? this.holdback.target : now - receivedAt)
    this.parts.shown()
  }

  private tick(now: number): void {
    if (document.hidden) this.drawnAt = now // nothing is shown there, and nothing is missed
    if (this.holdback.adapt(now)) this.hold()
    if (this.ages.length > 0) this.parts.told(percentile(this.ages.splice(0), 0.5), this.source)
    const isWanted = this.onScreen === null || this.heardAt - this.drawnAt > WITNESS
    if (isWanted && now - this.drawnAt > PATIENCE) this.fail(new NoPicture('no picture came'))
  }

  private hold(): void {
    const { target } = this.holdback
    this.queue.delay = this.parts.session.hold(target) ? 0 : target
  }

  /** Ask the service how pictures and results go together; later, whether it knows us still. */
  private async ask(): Promise<void> {
    if (this.isAsking || this.isOver()) return
    if (this.asking !== null) clearTimeout(this.asking)
    this.isAsking = true
    try {
      const status = await this.parts.status(this.parts.session.path)
      this.clock.learn(status)
      this.source = status
    } catch (error) {
      // What is no answer says nothing: the connection itself may be well.
      if (error instanceof Problem && error.status === 404) this.fail(error)
    }
    this.isAsking = false
    const wait = this.clock.origin === null ? SOON : LATER
    if (!this.isOver()) this.asking = setTimeout(() => void this.ask(), wait)
  }
}
