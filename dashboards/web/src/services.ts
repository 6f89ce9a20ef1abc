/** What the pages work with, made once in main.ts and handed down. */
import { inject, ref, type InjectionKey, type Ref } from 'vue'

import { Backoff } from './backoff'
import { Client } from './client'
import { Encoders } from './encoders'
import { Http } from './http'
import { Live, type LiveState } from './live'
import { Session } from './session'

export interface Services {
  title: string
  session: Session
  client: Client
  encoders: Encoders
  live: Live
  liveState: Readonly<Ref<LiveState>>
  /** Why nothing is heard; empty where there is nothing to say. */
  liveTrouble: Readonly<Ref<string>>
}

export const SERVICES: InjectionKey<Services> = Symbol('services')

export function createServices(base: string, title: string, storage: Storage): Services {
  const session = new Session(storage)
  const http = new Http(base, session)
  const client = new Client(http)
  const live = new Live({
    ticket: () => client.ticket(),
    address: (ticket) => client.liveAddress(ticket),
    open: (address) => new WebSocket(address),
    backoff: new Backoff(),
  })
  const liveState = ref<LiveState>('off')
  const liveTrouble = ref('')
  live.listen({
    state: (state, why) => {
      liveState.value = state
      liveTrouble.value = why
    },
  })
  return { title, session, client, encoders: new Encoders(http), live, liveState, liveTrouble }
}

export function useServices(): Services {
  const services = inject(SERVICES)
  if (services === undefined) throw new Error('no services were provided')
  return services
}
