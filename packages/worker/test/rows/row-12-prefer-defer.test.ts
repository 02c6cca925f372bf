import { defineTask } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { immediateRunner } from '../../src/index.ts'
import { Scene } from '../scene.ts'

const immediate = immediateRunner()
const run = async () => 'ran'
const deferrable = defineTask({ name: 'deferrable', immediate: true, run })
const now = defineTask({ name: 'now', immediate: true, deferrable: false, run })

describe('row 12: with prefer-defer, immediate and deferrable tasks always go to workers', () => {
  test('as a setting of the tasking', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([deferrable, now], { immediate, preferDefer: true })
    await tasking.start()
    const left = await tasking.dispatch(deferrable)
    expect(await left.load()).toMatchObject({ state: 'waiting', workerId: null })
    const here = await tasking.dispatch(now)
    expect(await here.load()).toMatchObject({ state: 'completed' })
    const own = await tasking.dispatch(deferrable, undefined, { preferDefer: false })
    expect(await own.load()).toMatchObject({ state: 'completed' })
    const { worker } = await scene.startedWorker(scene.tasking([deferrable]))
    expect(await left.finished()).toMatchObject({ state: 'completed', workerId: worker.id })
  })

  test('as an option of a dispatch', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([deferrable, now], { immediate })
    await tasking.start()
    const left = await tasking.dispatch(deferrable, undefined, { preferDefer: true })
    expect(await left.load()).toMatchObject({ state: 'waiting' })
    const here = await tasking.dispatch(now, undefined, { preferDefer: true })
    expect(await here.load()).toMatchObject({ state: 'completed' })
  })
})
