import { describe, expect, test } from 'vitest'

import * as errors from '../src/errors.ts'

describe('the errors', () => {
  // Other programs compare these: a change here is a breaking change.
  test.each([
    [new errors.InvalidOptionError('ttl', 1, 'a duration'), 'invalid_option'],
    [new errors.NotJsonError('input', 'it is a cycle'), 'not_json'],
    [new errors.InvalidResourceError('', 'empty'), 'invalid_resource'],
    [new errors.UnknownTaskError('a', []), 'unknown_task'],
    [new errors.DuplicateTaskError('a'), 'duplicate_task'],
    [new errors.InvalidInputError('a', []), 'invalid_input'],
    [new errors.TaskNotFoundError('id'), 'task_not_found'],
    [new errors.TaskStateError('id', 'failed', 'canceled'), 'task_state_conflict'],
    [new errors.ResultTimeoutError('id', 5), 'result_timeout'],
    [new errors.TaskFailedError('id', { name: 'Error', message: 'm' }), 'task_failed'],
    [new errors.TaskCanceledError('id', null), 'task_canceled'],
    [new errors.WorkerMissingError('id'), 'worker_missing'],
    [new errors.StoreUnavailableError('host:5432/db', 'refused'), 'store_unavailable'],
  ])('%s has its code, its class and its name', (error, code) => {
    expect(error.code).toBe(code)
    expect(error).toBeInstanceOf(errors.TaskingError)
    expect(error.name).toBe(error.constructor.name)
  })

  test('say which task names are known', () => {
    expect(new errors.UnknownTaskError('c', ['a', 'b']).message).toContain('known here: a, b')
    expect(new errors.UnknownTaskError('c', []).message).toContain('none is known here')
  })

  test('list what is wrong with an input, with the place where there is one', () => {
    const issues = [
      { path: 'remotes.0.url', message: 'Invalid URL' },
      { path: '', message: 'Too long' },
    ]
    const { message } = new errors.InvalidInputError('sync', issues)
    expect(message).toBe('The input of "sync" is not valid: remotes.0.url: Invalid URL; Too long.')
  })

  test('name the entry of a batch that is wrong, and keep its code', () => {
    const cause = new errors.InvalidInputError('sync', [{ path: 'a', message: 'missing' }])
    const error = new errors.BatchEntryError(3, cause)
    expect(error).toMatchObject({ code: 'invalid_input', index: 3, cause })
    expect(error.message).toBe(`Entry 3 of the batch: ${cause.message}`)
    expect(new errors.BatchEntryError(0, new TypeError('m')).code).toBe('invalid_entry')
  })

  test.each([
    ['the reason', 'superseded', 'Task id was canceled: superseded'],
    ['no reason', null, 'Task id was canceled.'],
  ])('tell of a cancel with %s', (_, reason, message) => {
    expect(new errors.TaskCanceledError('id', reason).message).toBe(message)
  })

  const cycle: { self?: unknown } = {}
  cycle.self = cycle

  test.each<[string, unknown]>([
    ['a bigint', 5n],
    ['a cycle', cycle],
  ])('can be made of %s, which has no JSON form', (_, value) => {
    expect(new errors.InvalidOptionError('priority', value, 'whole').value).toBe(value)
    expect(new errors.InvalidResourceError(value, 'a name is a string').resource).toBe(value)
  })
})
