import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'

import ProblemNote from '../src/components/ProblemNote.vue'
import { linesOf, problemOf } from '../src/problem'

function answer(status: number, body: unknown, id = ''): Response {
  const headers = { 'Content-Type': 'application/problem+json', 'X-Request-ID': id }
  return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers })
}

describe('problemOf', () => {
  it('says the detail', async () => {
    const problem = await problemOf(answer(409, { title: 'Conflict', detail: 'it is there already' }))
    expect(linesOf(problem)).toEqual(['it is there already'])
    expect(problem.status).toBe(409)
  })

  it('says every error with its field, and not its place in the request', async () => {
    const errors = [
      { where: 'body.url', problem: 'must begin with rtsp://' },
      { where: 'body.name', problem: 'is too long' },
    ]
    const problem = await problemOf(answer(422, { detail: 'all in one', errors }))
    expect(linesOf(problem)).toEqual(['url: must begin with rtsp://', 'name: is too long'])
  })

  it.each([
    ['the title where there is no detail', { title: 'Not Found' }, 'Not Found'],
    ['the status where a proxy answers in HTML', '<html>', 'The service answered 502.'],
    ['the status where the body is no object', 'null', 'The service answered 502.'],
    ['the detail where the errors are none', { detail: 'd', errors: [{}, null] }, 'd'],
  ])('says %s', async (_, body, line) => {
    expect(linesOf(await problemOf(answer(502, body)))).toEqual([line])
  })

  it('knows the id of the request', async () => {
    expect((await problemOf(answer(500, 'x', 'r7'))).requestId).toBe('r7')
  })
})

describe('linesOf', () => {
  it('tells of a service that is away in words', () => {
    expect(linesOf(new TypeError('Failed to fetch'))[0]).toContain('cannot be reached')
  })
})

describe('ProblemNote', () => {
  it('is announced, and empty where there is nothing to say', async () => {
    const note = mount(ProblemNote, { props: { lines: [] as string[] } })
    expect(note.attributes('role')).toBe('alert')
    expect(note.text()).toBe('')
    await note.setProps({ lines: ['one', '<b>two</b>'] })
    expect(note.findAll('li').map((line) => line.text())).toEqual(['one', '<b>two</b>'])
  })
})
