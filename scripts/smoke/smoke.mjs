// A stranger's first program, in a project that has the packed packages from npm and a Drizzle of its own.
// Arguments: the packages to import. See check-packages.mjs.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { createTasking } from '@tasking/core'
import { startPostgres } from '@tasking/local-postgres'
import { pgStore } from '@tasking/store-pg'
import { apart, deposit, threaded } from './tasks.mjs'

for (const name of process.argv.slice(2)) {
  assert(Object.keys(await import(name)).length > 0, `${name} exports nothing`)
}

/** @type {(command: string, ...args: string[]) => string} */
const npx = (command, ...args) => execFileSync('npx', [command, ...args], { encoding: 'utf8' })

for (const command of ['tasking', 'tasking-worker']) {
  assert.match(npx(command, '--help'), new RegExp(`^Usage: ${command}`))
}

const demo = JSON.parse(npx('tasking', 'demo', '--tasks', '16', '--duration', '20ms', '--json'))
assert.deepEqual([demo.verdict.completed, demo.verdict.overlaps, demo.verdict.lost], [16, [], []])

const server = await startPostgres({ durable: false })
let worker
try {
  const url = await server.createDatabase()
  process.env.TASKING_DATABASE_URL = url
  npx('tasking', 'migrate')

  const args = ['node_modules/.bin/tasking-worker', '--tasks', './tasks.mjs']
  worker = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const exit = once(worker, 'exit')

  const tasking = createTasking({ store: pgStore({ url }), tasks: [deposit, threaded, apart] })
  const places = []
  for (const definition of [deposit, threaded, apart]) {
    const task = await tasking.dispatch(definition, { account: 42, amount: 7 })
    const { deposited, by, thread } = await task.result({ timeout: '30s' })
    assert.equal(deposited, 7)
    places.push([by === worker.pid, thread === 0])
  }
  const [inline, inThread, inProcess] = [
    [true, true],
    [true, false],
    [false, true],
  ]
  assert.deepEqual(places, [inline, inThread, inProcess])

  // The store has a copy of Drizzle within, and takes transactions of others.
  const sql = postgres(url)
  const paid = await drizzle(sql).transaction((tx) =>
    tasking.dispatch(deposit, { account: 42, amount: 8 }, { tx }),
  )
  assert.equal((await paid.result({ timeout: '30s' })).deposited, 8)
  await sql.end()
  await tasking[Symbol.asyncDispose]()

  worker.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null], 'the worker ends well when it is told to')
} finally {
  worker?.kill('SIGKILL')
  await server.stop()
}
