import { describe, expect, it, vi } from 'vitest'

import type { Client } from '../src/client'
import { enroll } from '../src/enrollment'
import type { Person, Verdict } from '../src/rest'

const IMAGE = new File(['x'], 'x.jpg')

function person(id: string, name: string): Person {
  return { id, name, ignored: false, faces: 0, created_at: '', updated_at: '' }
}

function verdict(outcome: Verdict['outcome']): Verdict {
  return { file: 'x.jpg', outcome, face: null, reason: null, duplicate_of: null }
}

function client(existing: Person[], answer: () => Promise<Verdict[]>) {
  return {
    people: vi.fn(() => Promise.resolve({ items: existing, next: null })),
    addPerson: vi.fn((name: string) => Promise.resolve(person('new', name))),
    removePerson: vi.fn(() => Promise.resolve()),
    enroll: vi.fn(answer),
  }
}

function enrolled(fake: ReturnType<typeof client>, name = 'Ada') {
  return enroll(fake as unknown as Client, name, [IMAGE])
}

describe('enroll', () => {
  it('makes somebody whose name is new', async () => {
    const fake = client([person('a', 'Adam')], () => Promise.resolve([verdict('enrolled')]))
    const { person: made, withdrawn } = await enrolled(fake)
    expect(fake.addPerson).toHaveBeenCalledExactlyOnceWith('Ada')
    expect(fake.enroll).toHaveBeenCalledExactlyOnceWith('new', [IMAGE])
    expect(fake.removePerson).not.toHaveBeenCalled()
    expect([made.id, withdrawn]).toEqual(['new', false])
  })

  it('adds to somebody who is there, however it is written', async () => {
    const fake = client([person('a', 'Ada')], () => Promise.resolve([verdict('refused')]))
    const { withdrawn } = await enrolled(fake, ' ada ')
    expect(fake.enroll).toHaveBeenCalledExactlyOnceWith('a', [IMAGE])
    expect(fake.addPerson).not.toHaveBeenCalled()
    expect(fake.removePerson).not.toHaveBeenCalled()
    expect(withdrawn).toBe(false)
  })

  it('deletes the new person again when every image is refused', async () => {
    const fake = client([], () => Promise.resolve([verdict('refused'), verdict('refused')]))
    const { withdrawn, verdicts } = await enrolled(fake)
    expect(fake.removePerson).toHaveBeenCalledExactlyOnceWith('new')
    expect(withdrawn).toBe(true)
    expect(verdicts).toHaveLength(2)
  })

  it('keeps the new person when one image is taken', async () => {
    const fake = client([], () => Promise.resolve([verdict('refused'), verdict('enrolled')]))
    await enrolled(fake)
    expect(fake.removePerson).not.toHaveBeenCalled()
  })

  it('deletes the new person again when the request fails, and says why', async () => {
    const fake = client([], () => Promise.reject(new Error('away')))
    await expect(enrolled(fake)).rejects.toThrow('away')
    expect(fake.removePerson).toHaveBeenCalledExactlyOnceWith('new')
  })
})
