import { migrationOf, releasedMigrations } from '../src/migration-files.ts'
import type { Migration } from '../src/migration-files.ts'

const released = releasedMigrations()

/** The version of this code. */
export const now = released.length

/** The released migrations, and some that are yet to come. */
export function withLater(...texts: string[]): Migration[] {
  const later = texts.map((text, index) => migrationOf(now + index + 1, `later_${index + 1}`, text))
  return [...released, ...later]
}

/** New things beside the old ones, and every function put anew: what this code uses still works. */
export const additions = `-- oldest client: ${now}
alter table "tasking".task add column note text not null default '';
--> statement-breakpoint
create table "tasking".remark (id bigint primary key, words text not null);
--> statement-breakpoint
-- What an earlier one has renamed is named as it was, in the texts of functions.
set local check_function_bodies = off;
--> statement-breakpoint
do $$
declare definition text;
begin
  for definition in
    select pg_get_functiondef(oid) from pg_proc where pronamespace = '"tasking"'::regnamespace
  loop
    execute definition;
  end loop;
end
$$;`

/** More of the same, and a new label of an enum. */
export const moreAdditions = `-- oldest client: ${now}
create index task_note on "tasking".task (note) where note <> '';
--> statement-breakpoint
alter type "tasking".task_state add value 'parked'`

/** Says nothing of older clients, and is none for them. */
export const renaming = `alter table "tasking".app_status rename to worker`

/** Fails at its last statement. */
export const failing = `create table "tasking".half_done (id int);
--> statement-breakpoint
select 1 / 0`
