import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clear, fill, known, lengthen, versatileId, workerId } from './backlog.ts'

const database = useDatabase()
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, fetch_types: false, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

const json = (value: unknown) => `'${JSON.stringify(value)}'`

const turn = (slots: number, putBack: object[] = [], looks: unknown[] = [], worker = workerId) =>
  `tasking.turn('${worker}', ${slots}, ${json(putBack)}, ${json(looks)}, null)`

const turnWithEnd = (slots: number, id: string, token = 1, stored = '{}') =>
  `tasking.turn('${workerId}', ${slots}, '[]', '[]', null, null, '{${id}}', '{${token}}', stored => '${stored}')`

const dispatch = (...batch: object[]) => {
  const elements = batch.map((element, n) => ({
    ...{ id: `00000000-0000-7000-9000-00000000000${n}`, name: 'task', input: null },
    ...{ exclusive: [], shared: [], ...element },
  }))
  return `tasking.dispatch_batch(${json(elements)})`
}

const units = (amount: number) => ({ counted: [{ resource: 'gpu', amount, capacity: 8 }] })

const dispatchOne = ({ exclusive = '{}', shared = '{}', counted = 'null' }) =>
  `tasking.dispatch_one('00000000-0000-7000-9000-000000000000', 'task', 'default', 0, 'null',
     '${exclusive}', '${shared}', ${counted}, null, null, null, null)`

// Three tasks, with a place of each kind.
const dispatchMany = () =>
  `tasking.dispatch_many(
     '{a,gpu,line}', '{f,t,t}',
     '{00000000-0000-7000-9000-000000000000,00000000-0000-7000-9000-000000000001,00000000-0000-7000-9000-000000000002}',
     '{task,task,task}', '{default,default,default}', '{0,0,0}', '[1,2,3]', '{"{line}","{}","{}"}',
     '{"{}","{a}","{}"}', array[null, null, ${json(units(2).counted)}::jsonb], '{}', '{}', '{}', '{}',
     '{a,gpu,line}', '{shared,counted,exclusive}', '{null,2,null}', '{null,8,null}', '{2,3,1}')`

const look = (resource: string, mode: string) => ({ resource, mode, inFlight: true })

const [lowest, highest] = [
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
]

/** What the store does, with whatever stands in line. */
const verbs: Readonly<Record<string, string>> = {
  'a turn that claims': turn(10),
  'a turn that claims for many slots': turn(200),
  'a turn that claims tasks of any of its names': turn(10, [], [], versatileId),
  'a turn that claims them for many slots': turn(200, [], [], versatileId),
  'a turn that finishes, frees the next and claims it': turnWithEnd(30, known.holder),
  'a turn that is told of an end that is not its own': turnWithEnd(30, known.holder, 999),
  'a turn that gives units back': turnWithEnd(30, known.unit),
  'a turn after the completion in a transaction': turnWithEnd(
    0,
    known.holder,
    1,
    `{${known.holder}}`,
  ),
  'a turn that looks again': turn(0, [], [look('line', 'exclusive'), look('gpu', 'counted')]),
  'a turn after a lost answer': `tasking.turn('${workerId}', 1, '[]', '[]', '[]')`,
  'a dispatch': dispatch({ exclusive: ['line'], shared: ['gpu'] }, { exclusive: ['a', 'b'] }),
  'a single dispatch': dispatchOne({ exclusive: '{line}', shared: '{a}' }),
  'a single dispatch of counted resources': dispatchOne({ counted: json(units(2).counted) }),
  'a batch': dispatchMany(),
  'a dispatch of counted resources': dispatch(units(2), units(8)),
  'a dispatch that finds a twin': dispatch({ dedupeKey: '3 700' }),
  'a dispatch that is skipped for its twin': dispatch({ dedupeKey: '3 700', ifTwin: 'skip' }),
  'a dispatch that replaces a task that waits': dispatch({
    ...{ exclusive: ['line'], dedupeKey: '3 1', ifTwin: 'replace' },
  }),
  'a dispatch that replaces a task that runs': dispatch({ dedupeKey: '2 1', ifTwin: 'replace' }),
  'a dispatch that finds no twin': dispatch({ dedupeKey: 'none', exclusive: ['line'] }),
  'a dispatch that is not to wait': dispatch({
    ...{ exclusive: ['line'], shared: ['a'], ifBlocked: 'skip' },
  }),
  'a dispatch of units that is not to wait': dispatch({ ...units(1), ifBlocked: 'skip' }),
  'a shared dispatch that is not to wait': dispatch({ shared: ['gpu'], ifBlocked: 'skip' }),
  'a dispatch in plain SQL': `tasking.dispatch('task', exclusive => '{line}', dedupe_key => 'x')`,
  'a cancel': `tasking.cancel('${known.middle}', 'no reason')`,
  'a cancel of what runs': `tasking.cancel('${known.holder}', 'no reason')`,
  'a completion in a transaction': `tasking.complete('${known.holder}', '${workerId}', 1, 'null')`,
  'a look at a line': `tasking.release(null, null, null, ${json([look('line', 'exclusive')])})`,
  'a dispatch for later': dispatch({ exclusive: ['line'], delayMs: 1_000, dedupeKey: '3 700' }),
  'a turn that tries again later': turn(0, [
    { id: known.holder, fencingToken: '1', state: 'retry', delayMs: 5 },
  ]),
  'a turn that finds out when something is due': turn(0),
  'a promotion of what is due': `tasking.promote(5, '-infinity', '${known.first}')`,
  'the loss of a worker': `tasking.lose_worker('${workerId}', '{}')`,
  housekeeping: 'tasking.housekeep(false)',
  'a purge': `tasking.purge('completed', now(), null, null, '${lowest}', '${highest}', 30, false)`,
  'a purge of failed tasks': `tasking.purge('failed', now(), null, null, '${lowest}', '${highest}', 30, false)`,
  'the metrics': 'tasking.metrics(5000, 10, 10, 100)',
  'an explanation': `tasking.explain('${known.first}')`,
  'an explanation of what runs': `tasking.explain('${known.unit}')`,
  'the head of a line': `tasking.head_of_line('line', 10)`,
  'the line of a resource that nobody has': `tasking.lines('a', true, 1)`,
}

interface Cost {
  /** Pages that were looked at, those of the catalogue included. */
  readonly pages: number
  /** Rows of tasks and reservations that were read. */
  readonly rows: number
  /** Scans of whole tables. */
  readonly scans: number
}

/** What a verb costs; it is taken back. */
async function costOf(session: postgres.Sql, verb: string): Promise<Cost> {
  let cost: Cost | undefined
  await session
    .begin(async (tx) => {
      const before = await readsOf(tx)
      const [row] = await tx.unsafe(`explain (analyze, buffers, format json) select ${verb}`)
      const after = await readsOf(tx)
      const plan: unknown = row?.['QUERY PLAN']
      const [{ Plan: root }] = plan as [{ Plan: Record<string, number> }]
      cost = {
        pages: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0),
        rows: after.rows - before.rows,
        scans: after.scans - before.scans,
      }
      throw takenBack
    })
    .catch((error: unknown) => {
      if (error !== takenBack) throw error
    })
  if (cost === undefined) throw new Error('The verb has not been tried.')
  return cost
}

/** What the session has read so far, of late. */
async function readsOf(tx: postgres.TransactionSql): Promise<Omit<Cost, 'pages'>> {
  const [reads] = await tx`
    select sum(seq_scan)::int as scans, sum(idx_tup_fetch + seq_tup_read)::int as rows
      from pg_stat_xact_user_tables
     where schemaname = 'tasking' and relname in ('task', 'reservation')`
  return { scans: Number(reads?.['scans']), rows: Number(reads?.['rows']) }
}

const takenBack = new Error('taken back')

type Costs = Readonly<Record<string, Cost>>

async function costsOf(session: () => Promise<postgres.Sql>): Promise<Costs> {
  const costs: Record<string, Cost> = {}
  for (const [name, verb] of Object.entries(verbs))
    costs[name] = await costOf(await session(), verb)
  return costs
}

async function session(): Promise<postgres.Sql> {
  return postgres(database.directUrl, { max: 1, fetch_types: false, onnotice: () => undefined })
}

/** Each verb on a session of its own, which has planned nothing yet. */
async function freshCosts(): Promise<Costs> {
  const used: postgres.Sql[] = []
  try {
    return await costsOf(async () => {
      const fresh = await session()
      used.push(fresh)
      return fresh
    })
  } finally {
    await Promise.all(used.map((one) => one.end({ timeout: 1 })))
  }
}

// After the fifth time PostgreSQL may keep a plan for good.
const timesToSettle = 6

const few = 1_000
const many = 100_000

/** The verbs that do more than they did, and how much more. */
function dearer(costs: Costs, than: Costs): object {
  const entries = Object.entries(costs).flatMap(([name, { pages, rows, scans }]) => {
    const before = than[name] ?? { pages: 0, rows: 0, scans: 0 }
    // A deeper index has a page more on the way to each row; a scan of any index has a thousand. A
    // claim whose look was slow reads what it claimed once more, and has one statement more to plan.
    const much = pages > before.pages + 400 || rows > before.rows + 50 || scans > 0
    return much ? [[name, { pages, rows, scans, before }]] : []
  })
  return Object.fromEntries(entries)
}

describe('however long the backlog is, each verb costs the same', () => {
  let small: Costs

  beforeAll(async () => {
    await clear(sql)
    await sql`vacuum analyze tasking.task, tasking.reservation`
    await fill(sql, few)
    small = await freshCosts()
  }, 120_000)

  test('with statistics of empty tables', async () => {
    expect(dearer(small, small)).toEqual({})
    await clear(sql)
    await sql`vacuum analyze tasking.task, tasking.reservation`
    await fill(sql, many)
    expect(dearer(await freshCosts(), small)).toEqual({})
  }, 120_000)

  test('with statistics of full tables, also when they are emptied', async () => {
    await sql`vacuum analyze tasking.task, tasking.reservation`
    expect(dearer(await freshCosts(), small)).toEqual({})
    await sql`truncate tasking.task, tasking.reservation, tasking.app_status`
    await fill(sql, few)
    expect(dearer(await freshCosts(), small)).toEqual({})
  }, 120_000)

  test('with statistics of full tables, when all is different', async () => {
    await sql`truncate tasking.task, tasking.reservation, tasking.app_status`
    await fill(sql, many)
    await sql`update tasking.reservation set resource = 'own ' || position where resource = 'line' and task_id <> ${known.holder}`
    await sql`vacuum analyze tasking.task, tasking.reservation`
    await sql`truncate tasking.task, tasking.reservation, tasking.app_status`
    await fill(sql, many)
    expect(dearer(await freshCosts(), small)).toEqual({})
  }, 120_000)

  test('with plans of when there was little', async () => {
    await clear(sql)
    await sql`vacuum analyze tasking.task, tasking.reservation`
    await fill(sql, few)
    const settled = await session()
    try {
      const again = () => costsOf(async () => settled)
      for (let n = 1; n < timesToSettle; n += 1) await again()
      const before = await again()
      // Nothing here makes PostgreSQL plan anew.
      await lengthen(sql, few + 1, many)
      expect(dearer(await again(), before)).toEqual({})
    } finally {
      await settled.end({ timeout: 1 })
    }
  }, 120_000)
})
