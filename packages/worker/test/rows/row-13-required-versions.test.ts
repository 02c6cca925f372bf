import { defineTask } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { Scene } from '../scene.ts'

const encode = defineTask({ name: 'encode', requires: { codec: '2.9' }, run: () => 'encoded' })
const plain = defineTask({ name: 'plain', run: () => 'ran' })

describe('row 13: a task that requires versions', () => {
  test('is left alone by a worker without them, and taken by others', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([encode, plain])
    const handle = await tasking.dispatch(encode)
    const { log } = await scene.startedWorker(tasking, { versions: { codec: '2.0.9' } })
    await log.next('idle')
    expect(await (await tasking.dispatch(plain)).result()).toBe('ran')
    expect(await handle.load()).toMatchObject({ state: 'waiting', workerId: null })
    const { worker } = await scene.startedWorker(tasking, { versions: { codec: '2.10' } })
    expect(await handle.finished()).toMatchObject({ state: 'completed', workerId: worker.id })
  })

  test('may be told other versions by its dispatch', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([encode, plain])
    await scene.startedWorker(tasking, { versions: { codec: '2.0' } })
    const handle = await tasking.dispatch(encode, undefined, { requires: { codec: '1' } })
    expect(await handle.result()).toBe('encoded')
  })
})
