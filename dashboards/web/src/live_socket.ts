/** One websocket of live results: what it says, and why it ends. */
import type { Message } from './wire'

export interface SocketListener {
  opened(): void
  said(message: Message): void
  /** `why` in words; empty where nobody says. */
  ended(why: string): void
}

/** Nobody closed it: the other side or the way there is gone (RFC 6455, 7.1.5). */
const BROKEN = 1006

export function hear(socket: WebSocket, listener: SocketListener): void {
  socket.onopen = () => listener.opened()
  socket.onmessage = (event: MessageEvent<unknown>) => {
    const message = messageOf(event.data)
    if (message !== null) listener.said(message)
  }
  socket.onclose = ({ code, reason }) => {
    listener.ended(reason || (code === BROKEN ? 'the connection broke off' : ''))
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
