import { Command } from 'commander'
import { bold } from 'yoctocolors'
import type { TaskGroupRecord } from '@tasking/core'
import { wrongUsage } from '../command-error.ts'
import { withTasking } from '../connection.ts'
import { count } from '../count.ts'
import { globalFlags } from '../global-flags.ts'
import { limit } from '../limit.ts'
import { note, print, printJson } from '../output.ts'
import { printable } from '../printable.ts'
import { table } from '../table.ts'
import type { Column } from '../table.ts'
import { ageText, countsText } from '../task-text.ts'

interface GroupsFlags {
  readonly cancel?: true
  readonly reason?: string
  readonly limit: number
}

const more = `
Without an id, lists the groups, the newest first. With one, shows it and counts its tasks, or
cancels them: then nothing more can be dispatched into it.

Examples:
  tasking groups
  tasking groups 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e
  tasking groups 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e --cancel --reason 'wrong snapshot'
  tasking list --group 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e --state failed`

export function groupsCommand(): Command {
  return new Command('groups')
    .description('List the groups of tasks, or show or cancel one.')
    .argument('[group]', 'the id of a group')
    .option('--cancel', 'close the group and cancel its tasks')
    .option('--reason <text>', 'with --cancel: why, for whoever looks at the tasks later')
    .option('--limit <n>', 'at most so many', limit, 100)
    .addHelpText('after', more)
    .action(async (id: string | undefined, flags: GroupsFlags, command: Command) => {
      const { cancel = false, reason } = flags
      if (id === undefined && cancel) throw wrongUsage('Say which group to cancel: its id.')
      if (!cancel && reason !== undefined) throw wrongUsage('--reason goes with --cancel.')
      const { json } = globalFlags(command)
      await withTasking(command, async (tasking) => {
        if (id === undefined)
          return showAll(await tasking.groups({ limit: flags.limit }), flags, json)
        const group = tasking.group(id)
        if (!cancel) return showOne(await group.load(), json)
        const outcome = await group.cancel(reason)
        if (json) return printJson({ id: group.id, ...outcome })
        const running = outcome.canceling > 0 ? `, ${count(outcome.canceling)} asked to stop` : ''
        print(`${group.id} closed: ${count(outcome.canceled, 'task')} canceled${running}`)
      })
    })
}

function showAll(groups: readonly TaskGroupRecord[], flags: GroupsFlags, json: boolean): void {
  if (json) return printJson(groups)
  if (groups.length === 0) return note('There are no groups.')
  print(table(columns(new Date()), groups))
  if (groups.length === flags.limit) note('There may be more: a higher --limit shows them.')
}

function showOne(group: TaskGroupRecord, json: boolean): void {
  if (json) return printJson(group)
  const { id, description, createdAt, closedAt, finalizerId, counts } = group
  const time = (at: Date | null) => at && `${at.toISOString()} (${ageText(at, new Date())} ago)`
  const facts: readonly (readonly [string, string | null])[] = [
    ['id', id],
    ['description', description && printable(description)],
    ['created', time(createdAt)],
    ['closed', time(closedAt) ?? 'not yet: more can be dispatched into it'],
    ['finalizer', finalizerId],
    ['tasks', countsText(counts) || 'none'],
  ]
  print(facts.flatMap(([label, text]) => (text ? [bold(label.padEnd(13)) + text] : [])).join('\n'))
}

function columns(now: Date): Column<TaskGroupRecord>[] {
  return [
    { title: 'ID', text: ({ id }) => id },
    { title: 'DESCRIPTION', text: ({ description }) => description ?? '', shrinks: true },
    { title: 'AGE', text: ({ createdAt }) => ageText(createdAt, now), align: 'right' },
    { title: 'OPEN', text: ({ closedAt }) => (closedAt === null ? 'yes' : 'no') },
    { title: 'TASKS', text: ({ counts }) => countsText(counts), shrinks: true },
  ]
}
