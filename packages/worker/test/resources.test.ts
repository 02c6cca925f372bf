import { setImmediate as turn } from 'node:timers/promises'

import { batchEntry, defineTask } from '@tasking/core'
import type { ResourceRequest, Resources } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { Scene } from './scene.ts'

interface Step extends ResourceRequest {
  readonly name: string
}

/** Where two tasks exclude each other, by rules of this test's own. */
function conflicts(a: Resources, b: Resources): string[] {
  const [ofA, ofB] = [a, b].map(({ exclusive, shared }) => [...exclusive, ...shared])
  const either = [...a.exclusive, ...b.exclusive]
  return either.filter((name) => ofA?.includes(name) && ofB?.includes(name))
}

describe.each(['postgres', 'memory'] as const)('on %s', (kind) => {
  // Row 3 of Pulp's table of what its tasking system must be able to do.
  test('exclusive and shared tasks at two resources run in their order', async () => {
    await using scene = await Scene.open(kind)
    const told: string[] = []
    const together = scene.meeting(2)
    const step = defineTask({
      name: 'step',
      resources: (input: Step) => input,
      async run({ name }, { task }) {
        told.push(`${name} starts`)
        // Long enough for whoever would overlap.
        await tasking.find(task.id)
        await turn()
        // Those two can only go on together.
        if (name === 'B' || name === 'C') await together.arrive()
        told.push(`${name} ends`)
      },
    })
    const tasking = scene.tasking([step])
    const steps: Step[] = [
      { name: 'A', exclusive: ['AAAA'], shared: ['BBBB'] },
      { name: 'B', shared: ['AAAA'] },
      { name: 'C', shared: ['AAAA'] },
      { name: 'D', exclusive: ['AAAA'] },
      { name: 'E', exclusive: ['BBBB'] },
    ]
    const handles = []
    for (const input of steps) handles.push(await tasking.dispatch(step, input))
    await scene.startedWorker(tasking, { concurrency: 3 })
    await scene.startedWorker(tasking, { concurrency: 3 })
    await Promise.all(handles.map((handle) => handle.result()))

    const before = (first: string, second: string) => told.indexOf(first) < told.indexOf(second)
    expect(told).toHaveLength(10)
    expect(before('A ends', 'B starts')).toBe(true)
    expect(before('A ends', 'C starts')).toBe(true)
    expect(before('A ends', 'E starts')).toBe(true)
    expect(before('B starts', 'C ends') && before('C starts', 'B ends')).toBe(true)
    expect(before('B ends', 'D starts')).toBe(true)
    expect(before('C ends', 'D starts')).toBe(true)
  })

  // Row 4: whoever is free must not wait for those that are stuck.
  test('a free task behind 200 that are stuck runs at once', async () => {
    await using scene = await Scene.open(kind)
    const gate = scene.gate()
    const stuck = defineTask({
      name: 'stuck',
      resources: { exclusive: ['stuck'] },
      run: () => gate.opened,
    })
    const free = defineTask({ name: 'free', resources: { exclusive: ['free'] }, run: () => 'ran' })
    const tasking = scene.tasking([stuck, free])
    const line = await tasking.dispatchBatch(Array.from({ length: 201 }, () => batchEntry(stuck)))
    const last = await tasking.dispatch(free)
    await scene.startedWorker(tasking, { concurrency: 2 })
    expect(await last.result()).toBe('ran')
    expect(await line[0]?.load()).toMatchObject({ state: 'running' })
    const waiting = await tasking.list({ name: 'stuck', states: ['waiting'], limit: 300 })
    expect(waiting).toHaveLength(200)
    expect(waiting.every(({ unblockedAt }) => unblockedAt === null)).toBe(true)
  })

  test('tasks that conflict never overlap, and go in their order, across two workers', async () => {
    await using scene = await Scene.open(kind)
    const holding = new Map<number, Resources>()
    const overlaps: string[] = []
    const started: number[] = []
    const allSlots = scene.meeting(4)
    const job = defineTask({
      name: 'job',
      resources: ({ resources }: { index: number; resources: ResourceRequest }) => resources,
      async run({ index }, { task }) {
        for (const [other, resources] of holding) {
          const names = conflicts(task.resources, resources)
          if (names.length > 0) overlaps.push(`${other} and ${index} at ${names.join()}`)
        }
        started.push(index)
        holding.set(index, task.resources)
        // The first four share, and go on together: so both workers take part.
        if (index < 4) await allSlots.arrive()
        // Long enough for whoever would overlap.
        await tasking.find(task.id)
        await turn()
        holding.delete(index)
      },
    })
    const tasking = scene.tasking([job])
    const names = ['a', 'b', 'c', 'd']
    const pick = (index: number, step: number) => names[(index * step) % names.length] ?? 'a'
    const all = Array.from({ length: 80 }, (_, index): ResourceRequest => {
      if (index < 4) return { shared: ['a'] }
      if (index % 3 === 0) return { exclusive: [pick(index, 1)], shared: [pick(index, 3)] }
      if (index % 3 === 1) return { shared: [pick(index, 1), pick(index, 2)] }
      return { exclusive: [pick(index, 1)] }
    })
    const handles = await tasking.dispatchBatch(
      all.map((resources, index) => batchEntry(job, { index, resources })),
    )
    await scene.startedWorker(tasking, { concurrency: 2 })
    await scene.startedWorker(scene.tasking([job]), { concurrency: 2 })
    const tasks = await Promise.all(handles.map((handle) => handle.finished()))

    expect(tasks.filter(({ state }) => state !== 'completed')).toEqual([])
    expect(overlaps).toEqual([])
    expect(new Set(tasks.map(({ workerId }) => workerId)).size).toBe(2)
    expect(started.toSorted((a, b) => a - b)).toEqual(all.map((_, index) => index))
    const overtaken = tasks.flatMap((task, index) =>
      tasks
        .slice(0, index)
        .filter(({ resources }) => conflicts(resources, task.resources).length > 0)
        .filter((other) => started.indexOf(tasks.indexOf(other)) > started.indexOf(index))
        .map((other) => `${tasks.indexOf(other)} by ${index}`),
    )
    expect(overtaken).toEqual([])
  })

  test('a chain on one resource runs to its end, one after the other', async () => {
    await using scene = await Scene.open(kind)
    const order: number[] = []
    const link = defineTask({
      name: 'link',
      resources: { exclusive: ['chain'] },
      run: (index: number) => void order.push(index),
    })
    const tasking = scene.tasking([link])
    const indexes = Array.from({ length: 50 }, (_, index) => index)
    const handles = await tasking.dispatchBatch(indexes.map((index) => batchEntry(link, index)))
    await scene.startedWorker(tasking, { concurrency: 8 })
    await scene.startedWorker(scene.tasking([link]), { concurrency: 8 })
    await Promise.all(handles.map((handle) => handle.result()))
    expect(order).toEqual(indexes)
  })
})
