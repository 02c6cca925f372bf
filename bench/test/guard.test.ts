import type { LocalPostgres } from '@tasking/local-postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { growths, readBaseline } from '../src/guard/baseline.ts'
import { guardCounts, startGuardServer } from '../src/guard/guarded-work.ts'

// A server of its own, whichever the other tests use: the counts are those of one release.
let server: LocalPostgres
beforeAll(async () => {
  server = await startGuardServer()
})
afterAll(() => server?.stop())

test('a task costs the database no more than bench/guard.json says', async () => {
  const counts = await guardCounts(server)
  // Where more is meant: npm run bench -- guard --record
  expect(growths(counts, readBaseline())).toEqual([])
})

test('a function that does more, and an index more, are noticed', async () => {
  const spoil = `
    do $$ begin
      execute regexp_replace(
        pg_get_functiondef('tasking.dispatch_one'::regproc), E'\\nbegin\\n',
        E'\\nbegin\\n  perform from tasking.app_status;\\n'
      );
    end $$;
    create index on tasking.task (finished_at)`
  const found = growths(await guardCounts(server, { spoil, repeats: 1 }), readBaseline())
  const seen = found.map(({ what, figure }) => `${what}: ${figure}`)
  expect(seen).toEqual(
    expect.arrayContaining([
      ...['dispatch, no resources: nested', 'dispatch, no resources: buffers'],
      ...['bulk dispatch, 2 resources: walBytes', 'drain, no resources: walBytes'],
    ]),
  )
})
