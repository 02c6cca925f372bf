import type { ScheduleStore } from '@tasking/core'
import type { Database } from '../database.ts'
import { wakeup } from '../signals.ts'
import { queries } from '../verbs/read.ts'
import {
  dueSchedules,
  fireSchedule,
  planSchedule,
  removeSchedule,
  schedules,
  setSchedule,
} from '../verbs/schedules.ts'
import { announceRequirements } from './requirements.ts'

export function scheduleStore(database: Database): ScheduleStore {
  const { schema, tables } = database
  return {
    async setSchedule(schedule) {
      const { pool } = await database.open()
      await announceRequirements(database, [schedule.task])
      const run = () => setSchedule(queries(pool), tables, schedule)
      return database.verb('setSchedule', pool, run)
    },

    async schedules(name) {
      const { pool } = await database.open()
      return database.verb('schedules', pool, () => schedules(queries(pool), tables, name))
    },

    async removeSchedule(name) {
      const { pool } = await database.open()
      const run = () => removeSchedule(queries(pool), tables, name)
      return database.verb('removeSchedule', pool, run, 'conflict')
    },

    async planSchedule(plan) {
      const { pool } = await database.open()
      const run = () => planSchedule(queries(pool), tables, plan)
      return database.verb('planSchedule', pool, run, 'conflict')
    },

    async dueSchedules(limit = 100) {
      const { pool } = await database.open()
      return database.verb('dueSchedules', pool, () => dueSchedules(pool, schema, limit))
    },

    async fireSchedule(firing) {
      const { pool, notifier } = await database.open()
      const run = () => fireSchedule(database.place(pool), firing)
      const { outcome, unblocked } = await database.verb('fireSchedule', pool, run)
      const free = outcome.kind === 'fired' && !outcome.blocked ? 1 : 0
      if (free + unblocked > 0) notifier.send([wakeup(null, free + unblocked)])
      return outcome
    },
  }
}
