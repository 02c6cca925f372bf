import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { spawnNode } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'
import { startWorker } from '../worker-process.ts'
import { openWorkerScene } from '../worker-scene.ts'

const contender = new URL('../fixtures/pid-contender.ts', import.meta.url)

describe('row 27: the name of a worker', () => {
  test('has the process id and the host name filled in', async () => {
    await using scene = await openWorkerScene()
    const worker = await scene.start('--name', '{pid} on {hostname}')
    const [record] = await scene.tasking.store.workers()
    expect(record?.name).toBe(`${worker.pid} on ${hostname()}`)
  })
})

describe('row 27: the pid file of a worker', () => {
  test('has its process id while it runs, and keeps out a second worker', async () => {
    await using scene = await openWorkerScene()
    const path = join(scene.folder, 'worker.pid')
    const first = await scene.start('--pid-file', path)
    expect(await readFile(path, 'utf8')).toBe(`${first.pid}\n`)
    const second = scene.spawn('--pid-file', path)
    expect(await second.exit).toEqual({ code: 1, signal: null })
    expect(second.lines.join('\n')).toMatch(/process \d+, which is alive.* \[pid_file_taken\]/)
    expect(await readFile(path, 'utf8')).toBe(`${first.pid}\n`)
    first.kill('SIGTERM')
    expect(await first.exit).toEqual({ code: 0, signal: null })
    expect(existsSync(path)).toBe(false)
  })

  test('may be gone when it stops', async () => {
    await using scene = await openWorkerScene()
    const path = join(scene.folder, 'worker.pid')
    const worker = await scene.start('--pid-file', path)
    await rm(path)
    worker.kill('SIGTERM')
    expect(await worker.exit).toEqual({ code: 0, signal: null })
  })

  test('is taken over from one that was killed', async () => {
    await using scene = await openWorkerScene()
    const path = join(scene.folder, 'worker.pid')
    const first = await scene.start('--pid-file', path)
    first.kill('SIGKILL')
    await first.exit
    expect(existsSync(path)).toBe(true)
    const second = await scene.start('--pid-file', path)
    expect(await readFile(path, 'utf8')).toBe(`${second.pid}\n`)
  })
})

describe('row 27: a pid file that a dead process has left', () => {
  const rounds = Array.from({ length: 50 }, (_, round) => String(round))
  const { pid: dead } = spawnSync(process.execPath, ['--version'])

  async function contend(folder: string) {
    await using stack = new AsyncDisposableStack()
    for (const round of rounds) {
      await writeFile(join(folder, round), `${dead}\n`)
      // As if that one had died while it took the file over from another.
      await writeFile(join(folder, `${round}.after.${dead}`), `${dead}\n`)
    }
    const args = [folder, String(Date.now() + 2_000), String(rounds.length)]
    const contenders = [1, 2, 3, 4].map(() => stack.use(spawnNode(contender, args)))
    const lines = contenders.map((one) => one.waitForLine(/^\[/))
    const said = (await Promise.all(lines)).map((line) => JSON.parse(line) as string[])
    return rounds.map((round, nth) => ({
      said: said.map((ofOne) => String(ofOne[nth])).toSorted(),
      keeper: contenders[said.findIndex((ofOne) => ofOne[nth] === 'kept')]?.pid,
      file: readFileSync(join(folder, round), 'utf8'),
      files: readdirSync(folder).length,
    }))
  }

  test('is taken over by one of those that start at the same moment, and by no other', async () => {
    await using scene = await openWorkerScene()
    const refused = Array.from({ length: 3 }, () => 'pid_file_taken')
    for (const { said, keeper, file, files } of await contend(scene.folder)) {
      expect(said).toEqual(['kept', ...refused])
      expect(file).toBe(`${keeper}\n`)
      expect(files).toBe(rounds.length)
    }
  })
})

describe('row 27: a worker that reloads', () => {
  const module = (answer: string) => `
    export const ask = { name: 'ask', run: () => '${answer}' }`

  test('starts anew when a module changes', async () => {
    await using scene = await openWorkerScene()
    const { tasking, url } = scene
    const path = join(scene.folder, 'tasks.mjs')
    await writeFile(path, module('old'))
    const ask = { name: 'ask', run: () => '' }
    const flags = ['--reload', '--tasks', path, '--database-url', url]
    await using worker = startWorker(flags)
    await worker.waitForLine(/"worker started"/)
    expect(await (await tasking.dispatch(ask)).result({ timeout: '20s' })).toBe('old')
    const [before] = await tasking.store.workers()
    await writeFile(path, module('new'))
    await worker.waitForLine(/"worker stopped"/)
    expect(await (await tasking.dispatch(ask)).result({ timeout: '20s' })).toBe('new')
    const [after] = await tasking.store.workers()
    expect(after?.id).not.toBe(before?.id)
    worker.kill('SIGTERM')
    expect(await worker.exit).toEqual({ code: 0, signal: null })
    expect(await tasking.store.workers()).toEqual([])
  })
})
