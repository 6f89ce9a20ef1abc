/** The service's REST layer, one method a question. */
import type { Http } from './http'
import { iceServersOf } from './ice_servers'
import type {
  Camera,
  CameraChange,
  CameraOptions,
  CheckedCamera,
  Face,
  Gallery,
  NewCamera,
  PeoplePage,
  Person,
  Shard,
  Ticket,
  Token,
  Verdict,
} from './rest'
import type { Answered, Signaling } from './rtc_session'
import type { WhepStatus } from './whep'

export class Client implements Signaling {
  constructor(private readonly http: Http) {}

  signIn(username: string, password: string): Promise<Token> {
    const form = new URLSearchParams({ grant_type: 'password', username, password })
    return this.http.send('POST', '/auth/token', form)
  }

  async cameras(): Promise<Camera[]> {
    return (await this.http.get<{ items: Camera[] }>('/cameras')).items
  }

  async shards(): Promise<Shard[]> {
    return (await this.http.get<{ items: Shard[] }>('/shards')).items
  }

  /** Tries an address, which takes some seconds; nothing is kept. */
  checkCamera(url: string, options: CameraOptions): Promise<CheckedCamera> {
    return this.http.send('POST', '/cameras/check', { url, options })
  }

  addCamera(camera: NewCamera): Promise<Camera> {
    return this.http.send('POST', '/cameras', camera)
  }

  changeCamera(id: string, change: CameraChange): Promise<Camera> {
    return this.http.send('PATCH', `/cameras/${id}`, change)
  }

  /** The next picture of a camera that is analysed, masked as everybody sees it. */
  snapshot(id: string): Promise<Blob> {
    return this.http.blob(`/cameras/${id}/snapshot`)
  }

  removeCamera(id: string): Promise<void> {
    return this.http.remove(`/cameras/${id}`)
  }

  people(query: string, after: string | null = null, limit = 50): Promise<PeoplePage> {
    const wanted = new URLSearchParams({ query, limit: String(limit) })
    if (after !== null) wanted.set('after', after)
    return this.http.get(`/people?${wanted}`)
  }

  person(id: string): Promise<Person> {
    return this.http.get(`/people/${id}`)
  }

  addPerson(name: string): Promise<Person> {
    return this.http.send('POST', '/people', { name })
  }

  renamePerson(id: string, name: string): Promise<Person> {
    return this.http.send('PATCH', `/people/${id}`, { name })
  }

  /** Never tell a person by name, or again. */
  ignorePerson(id: string, ignored: boolean): Promise<Person> {
    return this.http.send('PATCH', `/people/${id}`, { ignored })
  }

  removePerson(id: string): Promise<void> {
    return this.http.remove(`/people/${id}`)
  }

  async faces(person: string): Promise<Face[]> {
    return (await this.http.get<{ items: Face[] }>(`/people/${person}/faces`)).items
  }

  faceImage(person: string, face: string): Promise<Blob> {
    return this.http.blob(`/people/${person}/faces/${face}/image`)
  }

  /** Nobody is recognized by a face that is set aside; it is kept and can be taken back. */
  setAside(person: string, face: string, aside: boolean): Promise<Face> {
    return this.http.send('PATCH', `/people/${person}/faces/${face}`, { set_aside: aside })
  }

  removeFace(person: string, face: string): Promise<void> {
    return this.http.remove(`/people/${person}/faces/${face}`)
  }

  /** A verdict for each image, in their order. */
  async enroll(person: string, images: readonly File[]): Promise<Verdict[]> {
    const form = new FormData()
    for (const image of images) form.append('images', image, image.name)
    const path = `/people/${person}/faces`
    return (await this.http.send<{ verdicts: Verdict[] }>('POST', path, form)).verdicts
  }

  /** Say that a face is not a person's, though it was taken for hers. */
  addCounterexample(person: string, image: File): Promise<Face> {
    const form = new FormData()
    form.append('image', image, image.name)
    return this.http.send('POST', `/people/${person}/counterexamples`, form)
  }

  gallery(): Promise<Gallery> {
    return this.http.get('/gallery')
  }

  async ticket(): Promise<string> {
    return (await this.http.send<Ticket>('POST', '/live/tickets')).ticket
  }

  /** The video of a camera as it comes, until `signal` ends it. */
  video(camera: string, signal: AbortSignal): Promise<Response> {
    return this.http.answer('GET', `/cameras/${camera}/video`, { signal })
  }

  async iceServers(path: string): Promise<RTCIceServer[]> {
    const advice = await this.http.answer('OPTIONS', path)
    return iceServersOf(advice.headers.get('Link'))
  }

  async offer(path: string, sdp: string, signal: AbortSignal): Promise<Answered> {
    const headers = { 'Content-Type': 'application/sdp' }
    const answer = await this.http.answer('POST', path, { body: sdp, headers, signal })
    // The last part alone: whatever a Location names, the token goes nowhere else.
    const session = answer.headers.get('Location')?.split('/').pop() ?? ''
    return { sdp: await answer.text(), session: `${path}/${session}` }
  }

  async hangUp(session: string): Promise<void> {
    await this.http.answer('DELETE', session, { keepalive: true })
  }

  /** How a session of WHEP is. */
  viewing(session: string): Promise<WhepStatus> {
    return this.http.get(session)
  }

  liveAddress(ticket: string): string {
    return this.http.socket(`/live?${new URLSearchParams({ ticket })}`)
  }
}
