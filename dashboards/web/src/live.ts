/** The websocket: what is seen on the cameras, and how they are. */
import { Backoff } from './backoff'
import { hear } from './live_socket'
import { linesOf, Problem } from './problem'
import type { CameraMessage, FrameMessage, Message, Position, RevisionMessage } from './wire'

type LiveMessage = Extract<Message, { type: 'frame' | 'camera' | 'revision' | 'presence' }>
export type LiveState = 'off' | 'connecting' | 'open'

export interface LiveParts {
  ticket(): Promise<string>
  address(ticket: string): string
  open(address: string): WebSocket
  backoff: Backoff
}

export interface LiveListener {
  frame?(message: FrameMessage): void
  camera?(message: CameraMessage): void
  /** Frames that came before bore a wrong name. */
  revision?(message: RevisionMessage): void
  /** `why` it is not open, in words; empty where there is nothing to say. */
  state?(state: LiveState, why: string): void
}

/**
 * Connects again until it is stopped. The subscription outlives a connection, and goes on where that
 * one was: what was missed meanwhile comes first, or else a snapshot of now.
 */
export class Live {
  /** Seconds after which a result is not shown any more, as the service says; 0: it said nothing. */
  maxAge = 0
  private socket: WebSocket | null = null
  private timer: ReturnType<typeof setTimeout> | null = null
  private wanted: readonly string[] = []
  private position: Position | null = null
  private running = false
  private run = 0
  private state: LiveState = 'off'
  private why = ''
  private readonly listeners = new Set<LiveListener>()

  constructor(private readonly parts: LiveParts) {}

  /** Hear of everything from now on; what is returned ends it. */
  listen(listener: LiveListener): () => void {
    this.listeners.add(listener)
    listener.state?.(this.state, this.why)
    return () => this.listeners.delete(listener)
  }

  start(): void {
    if (this.running) return
    this.running = true
    this.run += 1
    void this.connect(this.run)
  }

  stop(): void {
    this.running = false
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    const socket = this.socket
    this.socket = null
    socket?.close()
    this.become('off')
  }

  /** These cameras, and no other, from now on. */
  subscribe(cameras: readonly string[]): void {
    this.wanted = cameras
    this.position = null
    if (this.socket?.readyState === WebSocket.OPEN) this.ask(this.socket)
  }

  private ask(socket: WebSocket): void {
    // A viewer catches up with pictures of a moment ago: their results come, too.
    const from = this.position === null ? { recent: true } : { after: this.position }
    socket.send(JSON.stringify({ type: 'subscribe', cameras: this.wanted, ...from }))
  }

  private async connect(run: number): Promise<void> {
    this.become('connecting', this.why)
    try {
      const ticket = await this.parts.ticket()
      if (this.isCurrent(run)) this.attach(this.parts.open(this.parts.address(ticket)), run)
    } catch (error) {
      const signedOut = error instanceof Problem && error.status === 401
      if (this.isCurrent(run) && !signedOut) this.later(run, linesOf(error).join(' '))
    }
  }

  private attach(socket: WebSocket, run: number): void {
    this.socket = socket
    hear(socket, {
      opened: () => this.ask(socket),
      said: (message) => this.receive(message),
      ended: (why) => {
        if (this.socket !== socket) return
        this.socket = null
        if (this.isCurrent(run)) this.later(run, why)
      },
    })
  }

  private receive(message: Message): void {
    // Not when it opens: one that is refused opens, too.
    this.parts.backoff.reset()
    if (this.state !== 'open') this.become('open')
    switch (message.type) {
      case 'snapshot':
        this.position = { epoch: message.epoch, cursor: message.cursor }
        this.maxAge = message.max_age
        for (const told of [...message.cameras, ...message.frames]) this.tell(told)
        break
      case 'frame':
      case 'camera':
      case 'revision':
      case 'presence':
        this.goOn(message)
        this.tell(message)
    }
  }

  private goOn(message: LiveMessage): void {
    if (this.position === null || message.cursor == null) return
    this.position = { epoch: this.position.epoch, cursor: message.cursor }
  }

  private tell(message: LiveMessage): void {
    for (const listener of this.listeners) {
      if (message.type === 'frame') listener.frame?.(message)
      if (message.type === 'camera') listener.camera?.(message)
      if (message.type === 'revision') listener.revision?.(message)
    }
  }

  private become(state: LiveState, why = ''): void {
    this.state = state
    this.why = why
    for (const listener of this.listeners) listener.state?.(state, why)
  }

  private later(run: number, why: string): void {
    this.become('connecting', why)
    this.timer = setTimeout(() => void this.connect(run), this.parts.backoff.next())
  }

  private isCurrent(run: number): boolean {
    return this.running && this.run === run
  }
}
