import { describe, expect, it } from 'vitest'

import { iceServersOf } from '../src/ice_servers'

describe('iceServersOf', () => {
  it('finds none where there is no header, and none in links of another kind', () => {
    expect(iceServersOf(null)).toEqual([])
    expect(iceServersOf('</style.css>; rel="preload", <x>; title="rel=ice-server"')).toEqual([])
  })

  it('reads servers with and without credentials from one joined header', () => {
    const link =
      '<stun:stun.example.net>; rel="ice-server", ' +
      '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="17:me"; ' +
      'credential="a,b;\\"c="; credential-type="password"'
    expect(iceServersOf(link)).toEqual([
      { urls: 'stun:stun.example.net' },
      { urls: 'turn:turn.example.net?transport=udp', username: '17:me', credential: 'a,b;"c=' },
    ])
  })

  it('reads tokens without quotes, and names in capitals', () => {
    expect(iceServersOf('<stun:a>; REL=ice-server')).toEqual([{ urls: 'stun:a' }])
  })
})
