import { describe, expect, test } from 'vitest'

import { checkedVersions, satisfies } from '../src/version.ts'

describe('satisfies', () => {
  test.each([
    ['1.2', '1.2.0', true],
    ['1.10', '1.9.9', true],
    ['2', '1.9', true],
    ['1.2.0', '1.2.0-rc.1', true],
    ['1.2+build', '1.2', true],
    ['1.9.9', '1.10', false],
    ['1', '1.0.0.1', false],
    ['1.2.0-rc.1', '1.2', false],
  ])('%s where %s is required: %s', (codec, least, wanted) => {
    expect(satisfies({ codec }, { codec: least })).toBe(wanted)
  })

  test('every component must be there', () => {
    expect(satisfies({}, {})).toBe(true)
    expect(satisfies({ codec: '1' }, { codec: '1', core: '1' })).toBe(false)
  })
})

test.each(['', 'new', '1.', '1.2.3.4.5', 'v1'])('%j is no version', (codec) => {
  expect(() => checkedVersions({ codec }, 'requires')).toThrow(
    expect.objectContaining({ code: 'invalid_option', option: 'requires.codec' }),
  )
})
