import { dim, yellow } from 'yoctocolors'
import { durationText } from '@tasking/core'
import type { Schedule, Timing } from '@tasking/core'
import type { Column } from '../table.ts'
import { ageText } from '../task-text.ts'
import { timeText } from '../time-text.ts'

export function scheduleColumns(now: Date): Column<Schedule>[] {
  return [
    { title: 'NAME', text: ({ name }) => name, shrinks: true },
    { title: 'TASK', text: ({ task }) => task.name, shrinks: true },
    { title: 'WHEN', text: ({ timing }) => whenText(timing), shrinks: true },
    { title: 'NEXT', text: (schedule) => nextText(schedule, now), paint: paintNext },
    {
      title: 'LAST',
      text: ({ lastFiredAt }) => (lastFiredAt ? `${ageText(lastFiredAt, now)} ago` : ''),
    },
    { title: 'LAST TASK', text: ({ lastTaskId }) => lastTaskId ?? '' },
  ]
}

/** When a schedule is due, such as `0 3 * * * Europe/Berlin` or `every 6h`. */
function whenText(timing: Timing): string {
  if ('cron' in timing) return `${timing.cron} ${timing.timeZone}`
  if ('everyMs' in timing) return `every ${durationText(timing.everyMs)}`
  return `once, ${timing.at}`
}

/** In how long it is due, or why it isn't. */
export function nextText({ nextAt, pausedAt }: Schedule, now: Date): string {
  if (pausedAt !== null) return 'paused'
  if (nextAt === null) return 'over'
  const ms = nextAt.getTime() - now.getTime()
  return ms > 0 ? `in ${timeText(ms)}` : 'due'
}

function paintNext(text: string, { nextAt, pausedAt }: Schedule): string {
  if (pausedAt !== null) return yellow(text)
  return nextAt === null ? dim(text) : text
}
