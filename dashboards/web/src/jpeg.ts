/** A picture that came as a JPEG in base64. */
export function jpegOf(base64: string): Blob {
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
  return new Blob([bytes], { type: 'image/jpeg' })
}
