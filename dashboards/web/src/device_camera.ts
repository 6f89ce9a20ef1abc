/** The cameras of this device, and why one cannot be had. */

export interface Wanted {
  /** Null: whichever there is, on a phone the one on its back. */
  device: string | null
  /** Pixels; the nearest that the camera has is taken. */
  height: number
}

/** Errors with a text for a person. */
export class NoCamera extends Error {}

const REASONS: Readonly<Record<string, string>> = {
  NotAllowedError: 'The browser did not let this page use the camera. Allow it beside the address, then try again.',
  NotFoundError: 'This device has no camera.',
  NotReadableError: 'The camera is used by another program, or does not answer.',
  OverconstrainedError: 'That camera is not there any more. Choose another one.',
  SecurityError: 'The use of cameras is turned off in this browser.',
}

/** Turn a camera on; throws NoCamera. */
export async function openCamera({ device, height }: Wanted): Promise<MediaStream> {
  const video: MediaTrackConstraints = {
    width: { ideal: Math.round((height * 16) / 9) },
    height: { ideal: height },
    ...(device === null ? { facingMode: { ideal: 'environment' } } : { deviceId: { exact: device } }),
  }
  try {
    return await devices().getUserMedia({ video, audio: false })
  } catch (error) {
    if (error instanceof NoCamera) throw error
    const { name, message } = error as DOMException
    throw new NoCamera(REASONS[name] ?? `The camera could not be turned on: ${message}`)
  }
}

/** The cameras there are; they have names once one was allowed. */
export async function listCameras(): Promise<MediaDeviceInfo[]> {
  const all = await devices().enumerateDevices()
  return all.filter(({ kind, deviceId }) => kind === 'videoinput' && deviceId !== '')
}

function devices(): MediaDevices {
  // The browser leaves it out where it does not trust the connection.
  const found = navigator.mediaDevices as MediaDevices | undefined
  if (found !== undefined) return found
  throw new NoCamera(
    'The browser gives cameras to pages that came by HTTPS alone, or from this very machine. Open this page by https://.',
  )
}
