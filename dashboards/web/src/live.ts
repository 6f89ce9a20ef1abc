/** The websocket: what is seen on the cameras, and how they are. */
import { Backoff } from './backoff'
import { Problem } from './problem'
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
  state?(state: LiveState): void
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
  private readonly listeners = new Set<LiveListener>()

  constructor(private readonly parts: LiveParts) {}

  /** Hear of everything from now on; what is returned ends it. */
  listen(listener: LiveListener): () => void {
    this.listeners.add(listener)
    listener.state?.(this.state)
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
    this.become('connecting')
    try {
      const ticket = await this.parts.ticket()
      if (this.isCurrent(run)) this.attach(this.parts.open(this.parts.address(ticket)), run)
    } catch (error) {
      const signedOut = error instanceof Problem && error.status === 401
      if (this.isCurrent(run) && !signedOut) this.later(run)
    }
  }

  private attach(socket: WebSocket, run: number): void {
    this.socket = socket
    socket.onopen = () => {
      this.become('open')
      this.ask(socket)
    }
    socket.onmessage = (event: MessageEvent<unknown>) => this.receive(event.data)
    socket.onclose = () => {
      if (this.socket !== socket) return
      this.socket = null
      if (this.isCurrent(run)) this.later(run)
    }
  }

  private receive(data: unknown): void {
    const message = messageOf(data)
    if (message === null) return
    this.parts.backoff.reset() // not when it opens: one that is refused opens, too
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

  private become(state: LiveState): void {
    this.state = state
    for (const listener of this.listeners) listener.state?.(state)
  }

  private later(run: number): void {
    this.become('connecting')
    this.timer = setTimeout(() => void this.connect(run), this.parts.backoff.next())
  }

  private isCurrent(run: number): boolean {
    return this.running && this.run === run
  }
}

function messageOf(data: unknown): Message | null {
  if (typeof data !== 'string') return null
  try {
    return JSON.parse(data) as Message
  } catch {
    return null // of a newer service, or not ours
  }
}
