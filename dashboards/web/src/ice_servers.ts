/** STUN and TURN servers as WHIP and WHEP name them: Link headers (RFC 9725, 4.6). */

const LINK = /<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:=(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g
const PARAMETER = /;\s*([^\s=;,]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))/g

/** Those of a header, which may be several joined by commas; null where there is none. */
export function iceServersOf(link: string | null): RTCIceServer[] {
  return [...(link ?? '').matchAll(LINK)].flatMap(([, url = '', rest = '']) => {
    const said = parametersOf(rest)
    return said.get('rel') === 'ice-server' ? [serverOf(url, said)] : []
  })
}

function serverOf(urls: string, said: ReadonlyMap<string, string>): RTCIceServer {
  const [username, credential] = [said.get('username'), said.get('credential')]
  if (username === undefined || credential === undefined) return { urls }
  return { urls, username, credential }
}

function parametersOf(rest: string): Map<string, string> {
  const found = [...rest.matchAll(PARAMETER)]
  return new Map(
    found.map(([, name = '', quoted, plain]) => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '',
    ]),
  )
}
