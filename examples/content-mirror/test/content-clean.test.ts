import { join } from 'node:path'
import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { checksumOfText } from '../src/checksum.ts'
import {
  cleanContent,
  publishRepository,
  syncRepository,
  tasks,
  verifyPublication,
} from '../src/tasks/index.ts'
import { read, write } from './folder.ts'
import { overlap, recorded } from './interval.ts'
import type { Interval } from './interval.ts'
import { runMirror } from './running-mirror.ts'

const database = useDatabase()

test('clean removes what no version refers to, and nothing else', async () => {
  await using mirror = await runMirror(database.url)
  const { tasking, store } = mirror
  for (const text of ['first', 'second']) {
    const source = await mirror.source('a', { file: text, same: 'same' })
    const sync = await tasking.dispatch(syncRepository, { store, repository: 'a', source })
    await sync.result()
  }
  const { sha256 } = checksumOfText('nobody’s')
  await write(join(store, 'content', sha256.slice(0, 2)), { [sha256]: 'nobody’s' })
  await write(join(store, 'incoming'), { draft: 'of a killed process' })

  const clean = await tasking.dispatch(cleanContent, { store })
  const bytes = Buffer.byteLength('nobody’s')
  expect(await clean.result()).toEqual({ removed: 1, removedBytes: bytes, kept: 3, drafts: 1 })
  expect(Object.values(await read(join(store, 'content'))).sort()).toEqual([
    'first',
    'same',
    'second',
  ])
  expect(await read(join(store, 'incoming'))).toEqual({})
})

test('clean never runs beside a sync or a publish', async () => {
  const intervals: Interval[] = []
  const definitions = [
    recorded(syncRepository, intervals),
    recorded(publishRepository, intervals),
    recorded(verifyPublication, intervals),
    recorded(cleanContent, intervals),
  ]
  await using mirror = await runMirror(database.url, definitions)
  const { tasking, store } = mirror
  const repositories = ['a', 'b', 'c', 'd']
  const dispatched = []
  for (let round = 0; round < 5; round += 1) {
    for (const repository of repositories) {
      const files = Object.fromEntries(
        Array.from({ length: 20 }, (_, i) => [`${i}`, `${repository} ${round} ${i}`]),
      )
      const source = await mirror.source(`${repository}${round}`, files)
      dispatched.push(
        await tasking.dispatch(syncRepository, { store, repository, source }),
        await tasking.dispatch(publishRepository, { store, repository }),
        await tasking.dispatch(verifyPublication, { store, repository }),
      )
    }
    dispatched.push(await tasking.dispatch(cleanContent, { store }))
  }
  const ended = await Promise.all(dispatched.map((task) => task.finished()))
  expect(ended.filter(({ state }) => state !== 'completed')).toEqual([])
  expect(intervals).toHaveLength(65)

  const cleans = intervals.filter(({ name }) => name === 'content.clean')
  const others = intervals.filter(({ name }) => name.startsWith('repository.'))
  const beside = cleans.flatMap((clean) => others.filter((other) => overlap(clean, other)))
  expect(beside).toEqual([])
  expect(Object.keys(await read(join(store, 'content')))).toHaveLength(400)
})

test('repositories are synced beside each other', async () => {
  // Each waits for the other to be running: one after the other, neither would ever end.
  let arrive: () => void = () => undefined
  let expected = 2
  const all = new Promise<void>((resolve) => (arrive = resolve))
  const meeting: typeof syncRepository = {
    ...syncRepository,
    async run(input, context) {
      if (--expected === 0) arrive()
      await all
      return syncRepository.run(input, context)
    },
  }
  await using mirror = await runMirror(database.url, [meeting, ...tasks.slice(1)])
  const { tasking, store } = mirror
  const syncs = ['a', 'b'].map(async (repository) => {
    const source = await mirror.source(repository, { file: repository })
    const sync = await tasking.dispatch(syncRepository, { store, repository, source })
    return sync.result({ timeout: '20s' })
  })
  expect(await Promise.all(syncs)).toMatchObject([{ version: 1 }, { version: 1 }])
})
