import { threadId } from 'node:worker_threads'
import { defineTask } from '@tasking/core'

const run = ({ amount }) => ({ deposited: amount, by: process.pid, thread: threadId })

export const deposit = defineTask({
  name: 'deposit',
  resources: ({ account }) => ({ exclusive: [`account:${account}`] }),
  run,
})

export const threaded = defineTask({ name: 'threaded', isolation: 'thread', run })

export const apart = defineTask({ name: 'apart', isolation: 'process', run })
