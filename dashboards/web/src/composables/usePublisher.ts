/** This device's camera: on or off, and whether its pictures are sent. */
import { onBeforeUnmount, ref, shallowRef, type Ref, type ShallowRef } from 'vue'

import { Backoff } from '../backoff'
import { listCameras, openCamera, type Wanted } from '../device_camera'
import { linesOf } from '../problem'
import { SentVideo, type Sent } from '../sent_video'
import { useServices } from '../services'
import { publish, type PublishState } from '../whip'
import { useWakeLock } from './useWakeLock'

export interface Publisher {
  /** Null: it is off. */
  stream: Readonly<ShallowRef<MediaStream | null>>
  devices: Readonly<ShallowRef<readonly MediaDeviceInfo[]>>
  /** Null: nothing is sent. */
  state: Readonly<Ref<PublishState | null>>
  sent: Readonly<Ref<Sent | null>>
  problems: Readonly<Ref<readonly string[]>>
  turnOn: (wanted: Wanted) => Promise<void>
  turnOff: () => void
  /** Send to this camera until it is stopped. */
  start: (camera: string) => Promise<void>
  stop: () => void
}

export function usePublisher(): Publisher {
  const { client } = useServices()
  const { stream, devices, problems, turnOn, turnOff } = useDevice(() => stop())
  const state = ref<PublishState | null>(null)
  const { sent, look, forget } = useSent()
  const { keepAwake, letSleep } = useWakeLock()
  let ended: AbortController | null = null

  function stop(): void {
    ended?.abort()
    ended = null
    state.value = null
    forget()
    letSleep()
  }

  async function start(camera: string): Promise<void> {
    const [track] = stream.value?.getVideoTracks() ?? []
    if (track === undefined) return
    stop()
    const current = (ended = new AbortController())
    problems.value = []
    keepAwake()
    const listener = {
      state: (now: PublishState) => {
        if (!current.signal.aborted) state.value = now
      },
      connected: look,
    }
    try {
      await publish(client, camera, track, listener, new Backoff(), current.signal)
    } catch (error) {
      stop()
      problems.value = linesOf(error)
    }
  }

  onBeforeUnmount(turnOff)
  return { stream, devices, state, sent, problems, turnOn, turnOff, start, stop }
}

/** A camera of this device; `onEnd` is called before it goes, or when it went by itself. */
function useDevice(onEnd: () => void) {
  const stream = shallowRef<MediaStream | null>(null)
  const devices = shallowRef<readonly MediaDeviceInfo[]>([])
  const problems = ref<readonly string[]>([])
  let wanting = 0

  async function turnOn(wanted: Wanted): Promise<void> {
    turnOff()
    const mine = (wanting += 1)
    problems.value = []
    try {
      const opened = await openCamera(wanted)
      if (mine !== wanting) stopAll(opened) // left, or another one was chosen meanwhile
      else show(opened)
      devices.value = await listCameras()
    } catch (error) {
      if (mine === wanting) problems.value = linesOf(error)
    }
  }

  function show(opened: MediaStream): void {
    stream.value = opened
    opened.getVideoTracks()[0]?.addEventListener('ended', () => {
      turnOff()
      problems.value = ['The camera was unplugged or taken away.']
    })
  }

  function turnOff(): void {
    wanting += 1
    onEnd()
    if (stream.value !== null) stopAll(stream.value)
    stream.value = null
  }

  return { stream, devices, problems, turnOn, turnOff }
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}

/** What is sent, looked at every second. */
function useSent() {
  const sent = ref<Sent | null>(null)
  let timer: ReturnType<typeof setInterval> | undefined

  function look(peer: RTCPeerConnection): void {
    forget()
    const video = new SentVideo(peer)
    timer = setInterval(() => {
      void video.look(performance.now()).then((now) => {
        sent.value = now
      })
    }, 1000)
  }

  function forget(): void {
    clearInterval(timer)
    sent.value = null
  }

  return { sent, look, forget }
}
