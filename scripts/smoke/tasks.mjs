import { defineTask } from '@tasking/core'

export const deposit = defineTask({
  name: 'deposit',
  resources: ({ account }) => ({ exclusive: [`account:${account}`] }),
  run: ({ amount }) => ({ deposited: amount, by: process.pid }),
})
