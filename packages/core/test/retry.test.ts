import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecryptionError, InvalidInputError, NoRetryError } from '../src/index.ts'
import { checkRetryPolicy, recoveryOf, retryDelayMs } from '../src/retry.ts'
import type { OnPolicyError, RetryPolicy } from '../src/retry.ts'

/** Without jitter: the middle of the range. */
const steady = () => 0.5
const error = new Error('no luck')

const delays = (policy: RetryPolicy) =>
  [1, 2, 3, 4, 5].map((attempt) => retryDelayMs(policy, { attempt, error }, steady))

class GoneError extends Error {}
const coded = Object.assign(new Error('gone'), { code: 'EGONE' })

describe('retryDelayMs', () => {
  test('tries again as often as the limit says', () => {
    const backoff = { kind: 'fixed', delay: '5s' } as const
    expect(delays({ limit: 3, backoff })).toEqual([5_000, 5_000, 5_000, undefined, undefined])
    expect(delays({ limit: 0, backoff })).toEqual(Array.from({ length: 5 }))
    expect(retryDelayMs(undefined, { attempt: 1, error }, steady)).toBeUndefined()
  })

  test('waits ever longer, up to a maximum', () => {
    expect(delays({ limit: 9 })).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
    const backoff = { kind: 'exponential', delay: 100, factor: 3, max: '1s' } as const
    expect(delays({ limit: 9, backoff })).toEqual([100, 300, 900, 1_000, 1_000])
    expect(retryDelayMs({ limit: 1_000 }, { attempt: 1_000, error }, steady)).toBe(3_600_000)
  })

  test('waits as long as a function says, which may see the error', () => {
    const backoff = (attempt: number, thrown: unknown) => (thrown === error ? attempt * 10 : '1d')
    expect(delays({ limit: 3, backoff })).toEqual([10, 20, 30, undefined, undefined])
  })

  test('says what the functions of a policy throw, and goes by the default where it can', () => {
    const thrown: unknown[] = []
    const note: OnPolicyError = (rule, problem) => thrown.push([rule, problem])
    const delay = (policy: Partial<RetryPolicy>) =>
      retryDelayMs({ limit: 3, ...policy }, { attempt: 2, error }, steady, note)
    const broken = () => {
      throw coded
    }
    expect(delay({ backoff: broken })).toBe(2_000)
    expect(delay({ backoff: () => 'soon' as '1s' })).toBe(2_000)
    expect(delay({ retryable: broken })).toBeUndefined()
    expect(thrown).toEqual([
      ['backoff', coded],
      ['backoff', expect.objectContaining({ code: 'invalid_option' })],
      ['retryable', coded],
    ])
  })

  test('is spread by the jitter, and by no more', () => {
    const policy: RetryPolicy = { limit: 1, backoff: { kind: 'fixed', delay: 1_000 }, jitter: 0.1 }
    expect(retryDelayMs(policy, { attempt: 1, error }, () => 0)).toBe(900)
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
        const delay = retryDelayMs(policy, { attempt: 1, error }, () => random) ?? 0
        return delay >= 900 && delay <= 1_100
      }),
    )
  })

  test.each<[string, Partial<RetryPolicy>, unknown]>([
    ['asks not to', {}, new NoRetryError('never')],
    ['says that the input is wrong', {}, new InvalidInputError('task', [])],
    ['has a code that is excepted', { except: ['EGONE'] }, coded],
    ['is of a class that is excepted', { except: [GoneError] }, new GoneError()],
    ['is said not to be worth it', { retryable: (thrown) => thrown !== error }, error],
    ['can’t be judged', { retryable: () => JSON.parse('{') as boolean }, error],
    ['says that the input can’t be decrypted', {}, new DecryptionError('task', 'k1')],
  ])('gives up when the error %s', (_, policy, thrown) => {
    expect(retryDelayMs({ limit: 3, ...policy }, { attempt: 1, error: thrown }, steady)).toBe(
      undefined,
    )
  })

  test('does not ask about an error that is not the handler’s', () => {
    const policy: RetryPolicy = { limit: 3, retryable: () => false }
    expect(retryDelayMs(policy, { attempt: 1, error, interrupted: true }, steady)).toBe(1_000)
    expect(retryDelayMs(policy, { attempt: 4, error, interrupted: true }, steady)).toBe(undefined)
  })

  test('takes whatever is thrown', () => {
    for (const thrown of [undefined, null, 'text', 5, Object.create(null)]) {
      const except = ['EGONE', GoneError]
      expect(retryDelayMs({ limit: 1, except }, { attempt: 1, error: thrown }, steady)).toBe(1_000)
    }
  })
})

describe('recoveryOf', () => {
  test('has a delay for each attempt, and the place', () => {
    expect(recoveryOf({ limit: 3, retryable: () => false, keepPlace: true })).toEqual({
      ...{ limit: 3, delaysMs: [1_000, 2_000, 4_000], keepPlace: true },
    })
  })

  test('stays small, however large the limit is', () => {
    expect(recoveryOf({ limit: 1_000 }).delaysMs).toHaveLength(20)
  })
})

describe('checkRetryPolicy', () => {
  test.each<[string, object]>([
    ['retry.limit', { limit: 1.5 }],
    ['retry.limit', { limit: -1 }],
    ['retry.limit', { limit: 1_001 }],
    ['retry.limit', {}],
    ['retry.jitter', { limit: 1, jitter: 2 }],
    ['retry.jitter', { limit: 1, jitter: Number.NaN }],
    ['retry.backoff.kind', { limit: 1, backoff: { kind: 'random', delay: 5 } }],
    ['retry.backoff.delay', { limit: 1, backoff: { kind: 'fixed', delay: 'soon' } }],
    ['retry.backoff.factor', { limit: 1, backoff: { kind: 'exponential', delay: 5, factor: 0.5 } }],
    ['retry.backoff.max', { limit: 1, backoff: { kind: 'exponential', delay: 5, max: '1 year' } }],
  ])('refuses a %s', (option, policy) => {
    expect(() => checkRetryPolicy(policy as RetryPolicy)).toThrow(
      expect.objectContaining({ code: 'invalid_option', option }),
    )
  })

  test('takes what can be used', () => {
    checkRetryPolicy({ limit: 0 })
    checkRetryPolicy({ limit: 3, backoff: () => 5, jitter: 1 })
    checkRetryPolicy({ limit: 3, backoff: { kind: 'exponential', delay: '1s', max: '1d' } })
  })
})
