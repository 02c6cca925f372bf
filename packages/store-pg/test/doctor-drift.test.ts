import { useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doctor, migrate, migrationSql } from '../src/index.ts'
import { migrateSchema } from '../src/migrations.ts'
import { postgresJsPool } from '../src/postgres-js.ts'
import { findingsOn } from './findings.ts'
import { additions, moreAdditions, now, renaming, withLater } from './later-versions.ts'

const database = useDatabase({ migrated: false })
let sql: postgres.Sql

beforeAll(() => {
  sql = postgres(database.directUrl, { max: 1, onnotice: () => undefined })
})
afterAll(() => sql.end({ timeout: 1 }))

const drift = (schema: string, options?: Parameters<typeof findingsOn>[3]) =>
  findingsOn(sql, schema, 'drift', options)

let schemas = 0

async function freshSchema(): Promise<string> {
  const schema = `drifting_${(schemas += 1)}`
  await migrate({ url: database.url, schema })
  return schema
}

const none = (schema: string) => [
  {
    code: 'drift',
    severity: 'ok',
    message: expect.stringMatching(
      `All \\d+ objects of the schema "${schema}" are as in a fresh one of version ${now}`,
    ),
  },
]

describe('where nobody has changed anything there is no drift', () => {
  // Names that the server quotes, and those of other things.
  test.each(['tasking', 'my_tasks', 'order', 't', 'task', 'tasking_fresh'])(
    'in a schema called %s',
    async (schema) => {
      await migrate({ url: database.url, schema })
      expect(await drift(schema)).toEqual(none(schema))
    },
  )

  test('where a printed script made it', async () => {
    const schema = 'printed'
    await sql.unsafe((await migrationSql({ from: 0, schema })).sql)
    expect(await drift(schema)).toEqual(none(schema))
  })

  test('where the schema is in the search path', async () => {
    const schema = await freshSchema()
    const other = postgres(database.directUrl, {
      ...{ max: 1, connection: { search_path: schema } },
    })
    expect(await findingsOn(other, schema, 'drift')).toEqual(none(schema))
    await other.end({ timeout: 1 })
  })

  test('where it is an older version than this code has', async () => {
    const schema = await freshSchema()
    const migrations = withLater(additions)
    expect(await drift(schema, { migrations })).toEqual(none(schema))
    expect(await findingsOn(sql, schema, undefined, { migrations })).toMatchObject([
      { code: 'schema_outdated', severity: 'error' },
    ])
  })

  test('after upgrades', async () => {
    const schema = await freshSchema()
    const migrations = withLater(additions, moreAdditions)
    await migrateSchema(postgresJsPool(sql, false), schema, migrations)
    expect(await findingsOn(sql, schema, undefined, { migrations })).toEqual([])
  })

  test('several doctors at once, and nothing is left of what they made', async () => {
    const schema = await freshSchema()
    const all = await Promise.all([1, 2, 3].map(() => doctor({ url: database.url, schema })))
    for (const findings of all) {
      expect(findings.filter(({ code }) => code === 'drift')).toEqual(none(schema))
    }
    const rests = sql`select from pg_namespace where nspname like 'tasking\\_fresh\\_%'`
    expect(await rests).toHaveLength(0)
  })
})

describe('what could not be compared is a warning', () => {
  test('a newer version', async () => {
    const schema = await freshSchema()
    await migrateSchema(postgresJsPool(sql, false), schema, withLater(additions))
    expect(await drift(schema)).toMatchObject([
      { severity: 'warning', message: expect.stringMatching(`not how one of version ${now + 1}`) },
    ])
    await migrateSchema(postgresJsPool(sql, false), schema, withLater(additions, renaming))
    expect(await findingsOn(sql, schema, 'schema_newer')).toMatchObject([{ severity: 'error' }])
  })

  test('a user that may not create schemas', async () => {
    const schema = await freshSchema()
    const user = `visitor_${database.name}`
    await sql.unsafe(`create role ${user} login password 'x' in role pg_read_all_data`)
    const url = new URL(database.directUrl)
    url.username = user
    url.password = 'x'
    const other = postgres(url.href, { max: 1 })
    try {
      expect(await findingsOn(other, schema, 'drift')).toMatchObject([
        {
          ...{ severity: 'warning', message: expect.stringMatching(/may not create a schema/) },
          advice: expect.stringMatching(`grant create on database "${database.name}" to "${user}"`),
        },
      ])
    } finally {
      await other.end({ timeout: 1 })
      await sql.unsafe(`drop role ${user}`)
    }
  })
})

type Change = [change: string, severity: 'error' | 'warning', message: RegExp]

const changes: Change[] = [
  ['drop index $.task_claim', 'error', /^The index task_claim is missing\.$/],
  [
    `drop index $.task_owned; create index task_owned on $.task (worker_id) where state = 'running'`,
    'error',
    /^The index task_owned is different: it is ".*=.*'running'.* in place of ".*'canceling'.*"\.$/,
  ],
  [
    `update pg_index set indisvalid = false where indexrelid = '$.task_owned'::regclass`,
    'error',
    /^The index task_owned is different: it is ".*\(not valid\)" in place of/,
  ],
  ['create index mine on $.task (name)', 'warning', /^The index mine is not Tasking's\.$/],
  ['create unique index one_each on $.task (name)', 'error', /^The index one_each is not/],
  [
    'alter table $.task add column remark text',
    'warning',
    /^The column task\.remark is not Tasking's\.$/,
  ],
  [
    'alter table $.task add column remark text not null',
    'error',
    /^The column task\.remark is not/,
  ],
  ['alter table $.task drop column cancel_reason', 'error', /^The column task\.cancel_reason is m/],
  [
    'alter table $.app_status alter column ttl_ms type bigint',
    'error',
    /^The column app_status\.ttl_ms is different: it is "bigint not null" in place of "integer not null"\.$/,
  ],
  [
    'alter table $.app_status alter column ttl_ms drop not null',
    'error',
    /: it is "integer" in place of "integer not null"/,
  ],
  [
    'alter table $.app_status alter column ttl_ms set default 1',
    'error',
    /: it is "integer not null default 1" in place of "integer not null"/,
  ],
  [
    'alter table $.reservation alter column resource type text collate "default"',
    'error',
    /: it is "text not null" in place of "text collate "C" not null"/,
  ],
  [
    'alter table $.task drop constraint task_final_is_finished',
    'error',
    /^The constraint task_final_is_finished on task is missing\.$/,
  ],
  [
    'alter table $.task add constraint cheap check (priority < 5)',
    'error',
    /^The constraint cheap on task is not Tasking's\.$/,
  ],
  [
    'alter sequence $.position cache 10',
    'error',
    /^The sequence position .* cache 10" in place of/,
  ],
  ['create sequence $.mine', 'warning', /^The sequence mine is not/],
  [
    `alter type $.task_state add value 'parked'`,
    'error',
    /^The type task_state is different: .*'parked'" in place of/,
  ],
  ['drop function $.housekeep', 'error', /^The function housekeep\(.*\) is missing\.$/],
  [
    'alter function $.housekeep reset enable_seqscan',
    'error',
    /^The function housekeep\(.*\) is different: line \d+ of it is ".*" in place of "SET enable_seqscan TO/,
  ],
  ['alter function $.housekeep security definer', 'error', /^The function .*SECURITY DEFINER/],
  [
    `create function $.mine() returns int language sql return 1`,
    'warning',
    /^The function mine\(\) is not/,
  ],
  [
    `create function $.mine() returns trigger language plpgsql as 'begin return null; end';
     create trigger mine before insert on $.task for each row execute function $.mine()`,
    'error',
    /^The trigger mine on task is not Tasking's\.$/,
  ],
  ['create table $.mine (id int primary key)', 'warning', /^The table mine is not/],
  ['drop table $.app_status', 'error', /^The table app_status is missing\.$/],
  ['create view $.mine as select id from $.task', 'warning', /^The view mine is not/],
  ['alter table $.task enable row level security', 'error', /^The table task .*row security"/],
  [
    'alter table $.reservation set unlogged',
    'error',
    /^The table reservation .*"unlogged plain" in/,
  ],
  [
    'alter table $.migration set (fillfactor = 50)',
    'warning',
    /^The storage of migration is different: it is "fillfactor=50" in place of "default"\.$/,
  ],
]

describe('what somebody has changed is found', () => {
  test.each(changes)('%s', async (change, severity, message) => {
    const schema = await freshSchema()
    await sql.unsafe(change.replaceAll('$', schema))
    const findings = await drift(schema)
    expect(findings).toContainEqual({
      ...{ code: 'drift', severity, message: expect.stringMatching(message) },
      advice: expect.stringMatching(/./),
    })
    // Beside it at most another new thing that it needs.
    const others = findings.filter((finding) => !message.test(finding.message))
    expect(others.filter((finding) => !finding.message.includes(' mine('))).toEqual([])
  })

  test('a function with another text: the first line that differs', async () => {
    const schema = await freshSchema()
    await sql.unsafe(`do $do$ begin
      execute replace(
        pg_get_functiondef('${schema}.housekeep'::regproc), 'skip locked', 'skip  locked'
      );
    end $do$`)
    expect(await drift(schema)).toMatchObject([
      {
        message: expect.stringMatching(
          /line \d+ of it is ".*skip {2}locked.*" in place of ".*skip locked/,
        ),
      },
    ])
  })

  test('in its own schema only', async () => {
    const [broken, whole] = [await freshSchema(), await freshSchema()]
    await sql.unsafe(`drop index ${broken}.task_claim`)
    expect(await drift(whole)).toEqual(none(whole))
    expect(await drift(broken)).toMatchObject([{ severity: 'error' }])
  })
})
