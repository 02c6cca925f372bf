import { describe, expect, test } from 'vitest'

import { sessionStateIn } from '../src/index.ts'
import type { LoggedStatement } from '../src/index.ts'

const statement = (text: string, how: Partial<LoggedStatement> = {}): LoggedStatement => ({
  ...{ database: 'd', text, preparedAs: null, fromCursor: false, ...how },
})

const forbidden: Record<string, string[]> = {
  'a session advisory lock': [
    'select pg_advisory_lock(1)',
    'select pg_advisory_lock_shared(1, 2)',
    'SELECT PG_CATALOG.PG_TRY_ADVISORY_LOCK (1)',
    'select "pg_try_advisory_lock_shared"(1)',
    'select pg_advisory_unlock(1)',
    'select pg_advisory_unlock_all()',
  ],
  SET: [
    'set search_path to x',
    'SET LOCAL statement_timeout = 1',
    'set session characteristics as transaction read only',
    'reset all',
    'discard all',
    "load 'auto_explain'",
    'begin;\n set role somebody',
    '/* set what? */ set timezone to utc',
    "select set_config('timezone', $1, false)",
    'do $$ begin set timezone to utc; end $$',
    "do language plpgsql $x$ declare n int; begin if true then perform set_config('a.b', '', true); end if; end $x$",
  ],
  'a named prepared statement': [
    'prepare one as select 1',
    'execute one',
    'deallocate all',
    'select 1; execute one(2)',
  ],
  LISTEN: ['listen tasking_signals', 'LISTEN "Upper"', 'unlisten *'],
  'a temporary table': [
    'create temp table t (id int)',
    'create temporary sequence s',
    'create local temp table t (id int)',
    'create or replace temp view v as select 1',
    'select 1 as n into temp t',
    'create table pg_temp.t (id int)',
    'create table "pg_temp"."t" (id int)',
  ],
  'a cursor': [
    'declare c cursor for select 1',
    "declare c cursor with hold for select 'x'",
    'fetch 10 from c',
    'move c',
    'close c',
  ],
  'nextval or setval': [
    "select nextval('tasking.position')",
    "insert into t values (pg_catalog.nextval ('s'))",
    "select setval('s', 1)",
    "select currval('s'), 1",
    'select lastval()',
    "do $$ begin perform nextval('s'); end $$",
  ],
}

describe.each(Object.entries(forbidden))('%s', (kind, texts) => {
  test.each(texts)('is found in: %s', (text) => {
    expect(sessionStateIn(statement(text))).toEqual([kind])
  })
})

test('a statement that is prepared by name is found, whatever it says', () => {
  expect(sessionStateIn(statement('select 1', { preparedAs: 's1' }))).toEqual([
    'a named prepared statement',
  ])
})

test('rows that are asked for in portions are found, whatever they are of', () => {
  expect(sessionStateIn(statement('select 1', { fromCursor: true }))).toEqual(['a cursor'])
})

test('all that is wrong with a statement is found, each thing once', () => {
  const worst = statement("execute one; set a.b = 1; select nextval('s')", { preparedAs: 's1' })
  expect(sessionStateIn(worst)).toEqual(['SET', 'a named prepared statement', 'nextval or setval'])
})

test.each([
  'select pg_advisory_xact_lock(1)',
  'select pg_try_advisory_xact_lock_shared(1)',
  'select "tasking".turn($1::text::uuid, $2::int)',
  'begin isolation level repeatable read',
  "update task set state = 'running' where id = $1",
  'insert into t (id) values (1) on conflict (id) do update set n = 2',
  "select 'pg_advisory_lock(1); set x', '; listen y', E'\\'; set x to ''y'", // a comment; set x
  'select 1 -- ; nextval(1)',
  'select 1 /* ; set x */, "a; set x", "it""s; listen x"',
  'create function f() returns bigint language sql set jit = off as $body$ select nextval($$s$$) $body$',
  'create function f() returns void language plpgsql set search_path = x, pg_temp as $$ begin set local y = 1; end $$',
  'create trigger t after insert on x for each row execute function f()',
  'do $$ declare d text; begin for d in select 1 loop execute d; end loop; end $$',
  "select pg_notify('tasking_signals', payload) from x",
  "prepare transaction 'x'",
  'select offset_of, reset, "set" from listen',
  'select templates into temperatures from temp',
])('nothing stays in the session after: %s', (text) => {
  expect(sessionStateIn(statement(text))).toEqual([])
})
