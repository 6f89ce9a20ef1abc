/** Keys by which encoders publish to cameras: they sign in to nothing. */
import type { Http } from './http'
import type { PublishingKey, PublishingKeyOut } from './rest'

export class Encoders {
  constructor(private readonly http: Http) {}

  /** Where an encoder publishes to a camera (WHIP). */
  address(camera: string): string {
    return this.http.address(`/cameras/${camera}/whip`)
  }

  /** Whether a key opens a camera to an encoder. */
  async hasKey(camera: string): Promise<boolean> {
    return (await this.http.get<PublishingKeyOut>(path(camera))).is_set
  }

  /** A new key, which is told only now; the one before opens nothing any more. */
  async makeKey(camera: string): Promise<string> {
    return (await this.http.send<PublishingKey>('POST', path(camera))).key
  }

  removeKey(camera: string): Promise<void> {
    return this.http.remove(path(camera))
  }
}

function path(camera: string): string {
  return `/cameras/${camera}/publishing-key`
}
