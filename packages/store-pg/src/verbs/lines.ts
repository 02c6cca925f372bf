import { TaskNotFoundError } from '@tasking/core'
import type {
  Explanation,
  Line,
  LineFilter,
  LinePlace,
  LineSummary,
  Task,
  TaskId,
  TaskInLine,
} from '@tasking/core'
import type { Connection } from '../connection.ts'

/** As PostgreSQL's JSON has it: times are texts. */
type AsDocument<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly AsDocument<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: AsDocument<T[Key]> }
      : T

/** One call of the SQL function `explain`. @throws TaskNotFoundError */
export async function explain(
  connection: Connection,
  schema: string,
  id: TaskId,
  task: Task | undefined,
): Promise<Explanation> {
  if (task === undefined) throw new TaskNotFoundError(id)
  const [row] = await connection.query(`select "${schema}".explain($1::text::uuid)`, [id])
  const [document] = row as [AsDocument<Omit<Explanation, 'task'>>]
  return {
    task,
    places: document.places.map(toPlace),
    chain: document.chain.map(({ resource, task: link }) => ({ resource, task: toTask(link) })),
    workers: document.workers,
  }
}

/** One call of the SQL function `lines`. */
export async function resources(
  connection: Connection,
  schema: string,
  { prefix = '', limit = 100 }: LineFilter,
): Promise<LineSummary[]> {
  const [row] = await connection.query(`select "${schema}".lines($1::text, false, $2::int)`, [
    prefix,
    limit,
  ])
  const [summaries] = row as [AsDocument<LineSummary>[]]
  return summaries.map(({ oldest, ...summary }) => ({ ...summary, oldest: new Date(oldest) }))
}

/** The summary of one line and its first tasks, in one round trip. */
export async function line(
  connection: Connection,
  schema: string,
  resource: string,
  limit: number,
): Promise<Line> {
  const [row] = await connection.query(
    `select "${schema}".lines($1::text, true, 1), "${schema}".head_of_line($1::text, $2::int)`,
    [resource, limit],
  )
  const [[summary], tasks] = row as [AsDocument<LineSummary>[], AsDocument<TaskInLine>[]]
  const { oldest: _oldest, ...found } = summary ?? { ...nobody, resource }
  return { ...found, tasks: tasks.map(toTask) }
}

const nobody = { length: 0, running: 0, waiting: 0, used: 0, capacity: null, oldest: '' }

function toPlace({ holders, before, ...place }: AsDocument<LinePlace>): LinePlace {
  return {
    ...place,
    holders: holders.map(toTask),
    before: before && toTask(before),
  }
}

function toTask({ since, ...task }: AsDocument<TaskInLine>): TaskInLine {
  return { ...task, since: new Date(since) }
}
