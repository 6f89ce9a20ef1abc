import { beforeEach, describe, expect, it } from 'vitest'

import { Overlay } from '../src/overlay'
import { face, frame } from './samples'

describe('Overlay', () => {
  let svg: SVGSVGElement
  let overlay: Overlay
  const faces = (): SVGGElement[] => [...svg.querySelectorAll<SVGGElement>('[data-testid=face]')]
  const similarity = (): string | undefined =>
    svg.querySelector('[data-testid=similarity]')?.textContent

  beforeEach(() => {
    svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    overlay = new Overlay(svg, (text) => text.length / 2)
  })

  it('names who is known, says unknown, and keeps silent of the rest', () => {
    const known = face(1, { status: 'known', person: 'p', name: 'Ada' })
    const rest = [face(3, { status: 'pending' }), face(4, { status: 'ignored' })]
    overlay.show({ frame: frame(7, [known, face(2), ...rest]), exact: true }, 1, null)
    expect(faces().map((one) => one.querySelector('text')?.textContent)).toEqual([
      'Ada',
      'unknown',
      '',
      '',
    ])
    expect(faces().map((one) => one.dataset.status)).toEqual([
      'known',
      'unknown',
      'pending',
      'ignored',
    ])
    expect(faces().map((one) => one.dataset.person)).toEqual(['p', undefined, undefined, undefined])
    expect(svg.dataset.boxes).toBe('7')
  })

  it('puts a box where the frame says, in pixels of the frame', () => {
    overlay.show({ frame: frame(1, [face(1, { box: [10, 20, 30, 40] })]), exact: true }, 2, null)
    const box = faces()[0]?.querySelector('.box')
    const place = ['x', 'y', 'width', 'height'].map((name) => box?.getAttribute(name))
    expect(place).toEqual(['10', '20', '30', '40'])
    expect(svg.getAttribute('viewBox')).toBe('0 0 960 540')
  })

  it('keeps the element of a track, and removes that of one that left', () => {
    overlay.show({ frame: frame(1, [face(1), face(2)]), exact: true }, 1, null)
    const [, second] = faces()
    overlay.show({ frame: frame(2, [face(2)]), exact: true }, 1, null)
    expect(faces()).toEqual([second])
  })

  it('takes a name away when it is taken back', () => {
    overlay.show({ frame: frame(1, [face(1, { status: 'known', person: 'p', name: 'Ada' })]), exact: true }, 1, null)
    overlay.show({ frame: frame(2, [face(1)]), exact: true }, 1, null)
    expect(faces()[0]?.textContent).toBe('unknown')
    expect(faces()[0]?.dataset.person).toBeUndefined()
  })

  it('tells the similarity of the selected face alone, with three digits', () => {
    const shown = frame(1, [face(1, { similarity: 0.9512 }), face(2)])
    overlay.show({ frame: shown, exact: true }, 1, null)
    expect(similarity()).toBeUndefined()
    overlay.show({ frame: shown, exact: true }, 1, 1)
    expect(similarity()).toBe('similarity 0.951')
    overlay.show({ frame: shown, exact: true }, 1, null)
    expect(similarity()).toBeUndefined()
  })

  it('tells no similarity where nothing was compared', () => {
    overlay.show({ frame: frame(1, [face(1, { similarity: null })]), exact: true }, 1, 1)
    expect(similarity()).toBeUndefined()
  })

  it('is empty, and of no frame, after it was cleared', () => {
    overlay.show({ frame: frame(1, [face(1)]), exact: true }, 1, 1)
    overlay.clear()
    expect(svg.children).toHaveLength(0)
    expect(svg.dataset.boxes).toBeUndefined()
  })
})
