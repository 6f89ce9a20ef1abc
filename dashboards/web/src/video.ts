/** A camera's video: the pictures of a multipart stream, each with its frame's number. */
import { isAborted, pause } from './abort'
import type { Backoff } from './backoff'
import { MultipartParser, boundaryOf, type Part } from './multipart'
import { Problem } from './problem'

export interface VideoListener {
  /** A stream begins: numbers may begin anew. */
  begin(): void
  picture(seq: number, picture: ImageBitmap): void
  /** The stream broke off, or could not be had; null when it goes on. */
  trouble(error: unknown): void
}

/** Reads until `signal`, again and again; returns early where there is nothing to hope for. */
export async function watchVideo(
  open: (signal: AbortSignal) => Promise<Response>,
  listener: VideoListener,
  backoff: Backoff,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await read(await open(signal), listener, backoff)
    } catch (error) {
      if (isAborted(signal)) return
      listener.trouble(error)
      if (error instanceof Problem && [401, 404].includes(error.status)) return
    }
    await pause(backoff.next(), signal)
  }
}

async function read(response: Response, to: VideoListener, backoff: Backoff): Promise<void> {
  const parser = new MultipartParser(boundaryOf(response.headers.get('Content-Type')))
  const reader = response.body?.getReader()
  if (reader === undefined) return
  to.begin()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    for (const part of parser.push(value)) {
      const picture = await createImageBitmap(new Blob([part.body], { type: 'image/jpeg' }))
      backoff.reset()
      to.picture(seqOf(part), picture)
    }
  }
}

function seqOf(part: Part): number {
  return Number(part.headers.get('x-seq'))
}
