import { Command } from 'commander'
import { bold, dim, red } from 'yoctocolors'
import { encryptionKeyOf, isFinal } from '@tasking/core'
import type {
  CreatedResource,
  JsonValue,
  ProgressReport,
  Task,
  TaskCounts,
  TaskError,
} from '@tasking/core'
import { withTasking } from '../connection.ts'
import { count } from '../count.ts'
import { globalFlags } from '../global-flags.ts'
import { jsonOf, print, printJson } from '../output.ts'
import { printable } from '../printable.ts'
import {
  ageText,
  countsText,
  countText,
  dueText,
  durationText,
  paintState,
  stateText,
} from '../task-text.ts'

const more = `
Examples:
  tasking show 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e
  tasking show 0198f2c4-6a5e-7b1c-9d0e-3f2a1b4c5d6e --json | jq .result`

export function showCommand(): Command {
  return new Command('show')
    .description('Show everything about a task.')
    .argument('<task>', 'the id of the task')
    .addHelpText('after', more)
    .action(async (id: string, _flags: unknown, command: Command) => {
      await withTasking(command, async (tasking) => {
        const task = await tasking.find(id)
        const [children, progress, created] = await Promise.all([
          tasking.count({ parentId: task.id }),
          tasking.progress(task.id),
          tasking.created(task.id),
        ])
        if (globalFlags(command).json) printJson({ ...task, children, progress, created })
        else print(description({ task, children, progress, created }, new Date()))
      })
    })
}

interface Shown {
  readonly task: Task
  readonly children: TaskCounts
  readonly progress: readonly ProgressReport[]
  readonly created: readonly CreatedResource[]
}

function description({ task, children, progress, created }: Shown, now: Date): string {
  const { resources, error, state } = task
  const time = (at: Date | null) => at && `${at.toISOString()} (${ageText(at, now)} ago)`
  const facts: readonly (readonly [string, string | null])[] = [
    ['id', task.id],
    ['name', task.name],
    ['state', paintState(state === 'skipped' ? state : stateText(task), task)],
    ['cancel reason', task.cancelReason],
    ['skip reason', state === 'skipped' ? error && reasonText(error) : null],
    ['queue', task.queue],
    ['priority', String(task.priority)],
    ['dedupe key', task.dedupeKey && printable(task.dedupeKey)],
    ['exclusive', resources.exclusive.map(printable).join(', ')],
    ['counted', (resources.counted ?? []).map(countText).map(printable).join(', ')],
    ['shared', resources.shared.map(printable).join(', ')],
    ['parent', task.parentId],
    ['children', countsText(children)],
    ['group', task.groupId],
    ['correlation', task.correlationId && printable(task.correlationId)],
    ['schedule', printable(task.options?.schedule ?? '')],
    ['worker', task.workerId],
    ['fencing token', task.fencingToken === null ? null : String(task.fencingToken)],
    ['ends as', isFinal(state) ? null : task.endsAs],
    ['attempt', task.attempt === 1 ? null : String(task.attempt)],
    ['dispatched', time(task.dispatchedAt)],
    ['due', task.runAt && `${task.runAt.toISOString()} (${dueAge(task.runAt, now)})`],
    ['unblocked', time(task.unblockedAt)],
    ['started', time(task.startedAt)],
    ['finished', time(task.finishedAt)],
    ['ran for', durationText(task, now)],
    ['created', created.map(createdText).join('\n')],
    ['progress', progress.map(progressText).join('\n')],
    ['input', inputText(task.input)],
    ['result', state === 'completed' ? lines(jsonOf(task.result)) : null],
    ['error', state === 'skipped' ? null : error && errorText(error)],
  ]
  return facts.flatMap(([label, text]) => (text ? [fact(label, text)] : [])).join('\n')
}

function dueAge(runAt: Date, now: Date): string {
  return runAt > now ? dueText(runAt, now).replace('due ', '') : `${ageText(runAt, now)} ago`
}

function fact(label: string, text: string): string {
  const margin = 15
  return bold(label.padEnd(margin)) + text.replaceAll('\n', `\n${' '.repeat(margin)}`)
}

function createdText({ resource, state }: CreatedResource): string {
  return printable(state === 'complete' ? resource : `${resource} (${state})`)
}

function progressText({ code, message, done, total, suffix }: ProgressReport): string {
  const amount = total === null ? count(done) : `${count(done)} of ${count(total)}`
  const share = total === null || total === 0 ? '' : ` (${Math.floor((done / total) * 100)} %)`
  const unit = suffix === null ? '' : ` ${suffix}`
  const name = code === 'progress' ? '' : ` [${code}]`
  return printable(`${message}: ${amount}${unit}${share}${name}`)
}

function reasonText({ message, code }: TaskError): string {
  return printable(code === undefined ? message : `${message} [${code}]`)
}

function errorText({ name, message, code, stack }: TaskError): string {
  const head =
    red(printable(`${name}: ${message}`)) + (code === undefined ? '' : ` [${printable(code)}]`)
  // The first line of a stack mostly says the same as the head.
  const rest = stack?.replace(`${name}: ${message}`, '').trim()
  return rest ? `${head}\n${dim(lines(rest))}` : head
}

function inputText(input: JsonValue): string {
  const key = encryptionKeyOf(input)
  return key === undefined ? lines(jsonOf(input)) : `(encrypted, key ${printable(key)})`
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
