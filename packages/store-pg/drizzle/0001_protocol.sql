-- The protocol: what must be atomic and see its own effects. See docs/engine.md for why it is safe.
--
-- Every function pins its plans (nested loops over indexes): statistics of tables this busy are
-- always stale, and a plan chosen for an empty table is a disaster on a full one. JIT is off since
-- the planner's penalty for a forbidden node would trigger it.

-- The advisory lock of a resource. Seeded with the schema, so that two of them don't meet.
create function "tasking".lock_key(resource text) returns bigint
language sql immutable strict parallel safe
as $$ select hashtextextended(resource, hashtextextended('"tasking"', 0)) $$;
--> statement-breakpoint

-- How many names one dispatch locks one by one.
create function "tasking".most_names() returns int
language sql immutable parallel safe
as $$ select 64 $$;
--> statement-breakpoint

-- How many dispatch locks one transaction may try: a share of the server's whole table of locks.
create function "tasking".most_tries() returns int
language sql stable
as $$
  select greatest(
    64,
    current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int / 24
  )
$$;
--> statement-breakpoint

-- What a transaction remembers of its locks, for as long as it has them. Its numbers are of all schemas
-- together, as the table of locks is.
create function "tasking".recall(what text) returns bigint
language sql stable
as $$ select nullif(current_setting('tasking.' || what, true), '')::bigint $$;
--> statement-breakpoint

-- Passes the gate exclusively. Whoever comes later queues behind a waiting lock, and somebody's
-- transaction may keep the gate shared for long; so it waits in short pieces and lets others pass
-- in between. In the end it waits plainly, for the deadlock detector to see it. Who has set out to
-- wait only shortly does that, and once.
create function "tasking".lock_gate(gate bigint) returns void
language plpgsql
as $$
declare
  patience constant text := current_setting('lock_timeout');
  pieces constant int := case
    when patience::interval > interval '0' and patience::interval <= interval '2 seconds' then 0
    else 40
  end;
begin
  for attempt in 1 .. pieces loop
    begin
      perform set_config('lock_timeout', '100ms', true);
      perform pg_advisory_xact_lock(gate);
      perform set_config('lock_timeout', patience, true), set_config('tasking.gate', gate::text, true);
      return;
    exception when lock_not_available then
      -- The setting went back with the exception.
      perform pg_sleep(0.05 + 0.1 * random());
    end;
  end loop;
  perform pg_advisory_xact_lock(gate);
  perform set_config('tasking.gate', gate::text, true);
end
$$;
--> statement-breakpoint

-- Keeps a transaction that dispatches again and again from filling the table of locks: from some
-- number on it passes the gate exclusively, which spares it all others. It only tries that, since who
-- waits for one of its locks is past the gate. In vain for long it is refused, before everybody is.
-- Says whether the gate is passed.
create function "tasking".spare_locks(gate bigint) returns boolean
language plpgsql
as $$
declare
  most constant int := "tasking".most_tries();
  held int;
begin
  -- Many may have been for the same names.
  select count(*) into held
    from pg_locks as l
   where l.locktype = 'advisory' and l.pid = pg_backend_pid();
  if held > most and pg_try_advisory_xact_lock(gate) then
    perform set_config('tasking.gate', gate::text, true);
    return true;
  elsif held > 6 * most then
    raise exception 'this transaction has dispatched for % resources one by one, and more would use up the locks of the server', held
      using errcode = 'TK005', hint = 'Dispatch its tasks in one batch, or in several transactions.';
  end if;
  perform set_config('tasking.locks', least(held, most - 8)::text, true);
  return false;
end
$$;
--> statement-breakpoint

-- Takes the dispatch locks of a set of names, each said once, in one order for everybody. The empty
-- name is no resource: it is the gate that every dispatch passes shared, and a large one exclusively in
-- place of its many resources, since PostgreSQL's table of locks is small and shared by all sessions.
create function "tasking".lock_names(names text[], alones boolean[]) returns void
language plpgsql
as $$
declare
  gate constant bigint := "tasking".lock_key('');
  locks constant bigint := coalesce("tasking".recall('locks'), 0) + cardinality(names);
  remembered text;
begin
  if "tasking".recall('gate') = gate then
    return;
  elsif cardinality(names) > "tasking".most_names() then
    perform "tasking".lock_gate(gate);
    return;
  end if;
  remembered := set_config('tasking.locks', locks::text, true);
  if locks > "tasking".most_tries() then
    perform pg_advisory_xact_lock_shared(gate);
    if "tasking".spare_locks(gate) then
      return;
    end if;
  end if;
  -- Sorted before the first is taken: the gate before all, and of names that share a key the stricter.
  perform case
            when wanted.alone then pg_advisory_xact_lock(wanted.key)
            else pg_advisory_xact_lock_shared(wanted.key)
          end
    from (
      select "tasking".lock_key(each.name) as key, each.alone
        from unnest(names || ''::text, alones || false) as each (name, alone)
       order by each.name <> '', 1, 2 desc
    ) as wanted;
end
$$;
--> statement-breakpoint

-- Where a task stands, and for what.
create type "tasking".stand as (position bigint, exclusive text[], shared text[], counted jsonb);
--> statement-breakpoint

-- The places of a task in line.
create function "tasking".places(exclusive text[], shared text[], counted jsonb)
returns table (resource text, mode "tasking".reservation_mode, amount int, capacity int)
language sql immutable
as $$
  select unnest(exclusive), 'exclusive'::"tasking".reservation_mode, null::int, null::int
  union all
  select c.resource, 'counted', c.amount, c.capacity
    from jsonb_to_recordset(counted) as c (resource text, amount int, capacity int)
   -- Without this it would be called for nothing.
   where counted is not null
  union all
  select unnest(shared), 'shared', null, null
$$;
--> statement-breakpoint

-- The resources that a task counts.
create function "tasking".counted_names(counted jsonb) returns text[]
language plpgsql immutable
as $$
begin
  return array(select c ->> 'resource' from jsonb_array_elements(counted) as c);
end
$$;
--> statement-breakpoint

-- The reservations of a batch.
create function "tasking".reservations(batch jsonb)
returns table (resource text, mode "tasking".reservation_mode, amount int, capacity int)
language sql stable
as $$
  select r.resource, r.mode, r.amount, r.capacity
    from jsonb_to_recordset(batch) as e (exclusive text[], shared text[], counted jsonb)
   cross join lateral "tasking".places(e.exclusive, e.shared, e.counted) as r
$$;
--> statement-breakpoint

-- How many units of a resource are asked for before a place in its line. No more places are read than
-- there are units, since each takes one at least.
create function "tasking".units_before(resource text, place bigint, capacity int) returns bigint
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
-- A limit that is a parameter makes planning anew look cheaper each time, at several times the cost.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_variable
begin
  return (
    select coalesce(sum(near.amount), 0)
      from (
        select ahead.amount
          from "tasking".reservation as ahead
         where ahead.resource = resource
           and ahead.mode = 'counted'
           and ahead.position < place
         order by ahead.resource, ahead.position
         limit capacity
      ) as near
  );
end
$$;
--> statement-breakpoint

-- Whether a counted reservation at this place must wait: behind an exclusive one, or behind so many
-- counted ones that too little is left. What stands before only ever leaves, so once a task fits it
-- fits for good.
create function "tasking".over_capacity(place bigint, counted jsonb) returns boolean
language plpgsql stable
as $$
begin
  return exists (
    select from jsonb_to_recordset(counted) as mine (resource text, amount int, capacity int)
     -- Not "exists": that may be planned as a hash of all exclusive ones.
     where (
             select true
               from "tasking".reservation as ahead
              where ahead.resource = mine.resource
                and ahead.mode = 'exclusive'
                and ahead.position < place
              limit 1
           )
        or mine.amount + "tasking".units_before(mine.resource, place, mine.capacity) > mine.capacity
  );
end
$$;
--> statement-breakpoint

-- Whether something before this place keeps a task from going on. One probe of an index for each
-- resource; once the answer is no, it stays no. A table, since only then it becomes part of the
-- statement that asks.
create function "tasking".is_blocked(place bigint, exclusive text[], shared text[], counted jsonb)
returns table (blocked boolean)
language sql stable
as $$
  select exists (
           select from unnest(exclusive) as wanted (resource)
            -- Not "exists": that may be planned as a hash of all there are.
            where (
                    select true
                      from "tasking".reservation as ahead
                     where ahead.resource = wanted.resource and ahead.position < place
                     limit 1
                  )
         )
      or exists (
           select from unnest(shared) as wanted (resource)
            where (
                    select true
                      from "tasking".reservation as ahead
                     where ahead.resource = wanted.resource
                       and ahead.mode = 'exclusive'
                       and ahead.position < place
                     limit 1
                  )
         )
      or counted is not null and "tasking".over_capacity(place, counted)
$$;
--> statement-breakpoint

-- The first resource, by name, that what is in line now would keep a new task from; null for none.
create function "tasking".taken(element jsonb) returns text
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
declare
  last constant bigint := 9223372036854775807;
begin
  return (
    select min(r.resource collate "C")
      from "tasking".reservations(jsonb_build_array(element)) as r
     where case r.mode
             -- Not "exists": that may be planned as a hash of all there are.
             when 'exclusive' then (
               select true
                 from "tasking".reservation as ahead
                where ahead.resource = r.resource
                limit 1
             )
             when 'shared' then (
               select true
                 from "tasking".reservation as ahead
                where ahead.resource = r.resource and ahead.mode = 'exclusive'
                limit 1
             )
             else "tasking".over_capacity(last, jsonb_build_array(jsonb_build_object(
               'resource', r.resource, 'amount', r.amount, 'capacity', r.capacity
             )))
           end
  );
end
$$;
--> statement-breakpoint

-- Whether what committed before a lock was granted can be seen. With a snapshot older than the locks
-- it can't: then a dispatch says "blocked" to be safe, and the sweep finds out.
create function "tasking".sees_all() returns boolean
language sql stable
as $$ select current_setting('transaction_isolation') = 'read committed' $$;
--> statement-breakpoint

-- Refuses what has to see what committed before a lock was granted, where it can't.
create function "tasking".need_read_committed(what text) returns void
language plpgsql
as $$
begin
  if not "tasking".sees_all() then
    raise exception '% need a transaction that is read committed, not %',
      what, current_setting('transaction_isolation') using errcode = 'TK004';
  end if;
end
$$;
--> statement-breakpoint

-- Records a task that is not to run at all: as skipped, or as canceled.
create function "tasking".turn_away(element jsonb, final "tasking".task_state, why jsonb) returns void
language sql
as $$
  insert into "tasking".task (
    id, name, state, queue, priority, position, exclusive, shared, counted, options, parent_id, dedupe_key,
    group_id, correlation_id, dispatched_at, finished_at, input, error, cancel_reason
  )
  select (element ->> 'id')::uuid, element ->> 'name', final,
         coalesce(element ->> 'queue', 'default'), coalesce((element ->> 'priority')::int, 0),
         nextval('"tasking".position'),
         array(select jsonb_array_elements_text(element -> 'exclusive')),
         array(select jsonb_array_elements_text(element -> 'shared')),
         element -> 'counted', element -> 'options', (element ->> 'parentId')::uuid, element ->> 'dedupeKey',
         (element ->> 'groupId')::uuid, element ->> 'correlationId', clock_timestamp(), clock_timestamp(), element -> 'input', why,
         case when final = 'canceled' then why ->> 'message' end
$$;
--> statement-breakpoint

-- Lets a task into its group. A finalizer, which reserves the group itself exclusively, closes it.
-- The dispatch locks are held, so nobody closes it between this and the commit.
create function "tasking".enter_group(group_id uuid, task_id uuid, finalizes boolean) returns void
language plpgsql
set enable_seqscan = off set jit = off
as $$
declare
  found_group "tasking".task_group%rowtype;
begin
  perform "tasking".need_read_committed('groups');
  select g.* into found_group from "tasking".task_group as g where g.id = group_id;
  if found_group.id is null then
    raise exception 'there is no group %', group_id using errcode = 'TK003', detail = 'group_not_found';
  elsif found_group.finalizer_id <> task_id
        or found_group.closed_at is not null and not finalizes
  then
    raise exception 'group % is closed', group_id using errcode = 'TK003', detail = 'group_closed';
  elsif finalizes then
    update "tasking".task_group as g
       set closed_at = coalesce(g.closed_at, clock_timestamp()), finalizer_id = task_id
     where g.id = group_id;
  end if;
end
$$;
--> statement-breakpoint

-- Puts one task in line, with its dispatch locks held already: so the positions at a resource follow
-- the order of commits. Says whether it is blocked.
create function "tasking".take_in(
  id uuid, name text, queue text, priority int, input jsonb, exclusive text[], shared text[],
  counted jsonb, options jsonb, parent_id uuid, dedupe_key text, group_id uuid, correlation_id text
)
returns boolean
language plpgsql
as $$
#variable_conflict use_variable
declare
  place constant bigint := nextval('"tasking".position');
  moment constant timestamptz := clock_timestamp();
  is_free boolean := true;
begin
  if group_id is not null then
    perform "tasking".enter_group(group_id, id, 'group:' || group_id = any (exclusive));
  end if;
  if exclusive <> '{}' or shared <> '{}' or counted is not null then
    -- It sees what the locks waited for, and not the places of its own, which are in nobody's way.
    with placed as (
      insert into "tasking".reservation (resource, position, mode, task_id, amount, capacity)
      select r.resource, place, r.mode, id, r.amount, r.capacity
        from "tasking".places(exclusive, shared, counted) as r
    )
    select "tasking".sees_all() and not b.blocked into is_free
      from "tasking".is_blocked(place, exclusive, shared, counted) as b;
  end if;
  insert into "tasking".task (
    id, name, state, queue, priority, position, exclusive, shared, counted, options, parent_id,
    dedupe_key, group_id, correlation_id, dispatched_at, unblocked_at, input
  )
  values (
    id, name, 'waiting', queue, priority, place, exclusive, shared, counted, options, parent_id,
    dedupe_key, group_id, correlation_id, moment, case when is_free then moment end, input
  );
  return not is_free;
end
$$;
--> statement-breakpoint

-- Keeps a task until it is due. It stands in no line: its place is drawn when it does.
create function "tasking".put_off(element jsonb) returns void
language sql
as $$
  insert into "tasking".task (
    id, name, state, queue, priority, position, exclusive, shared, counted, options, parent_id, dedupe_key,
    group_id, correlation_id, dispatched_at, run_at, input
  )
  select (element ->> 'id')::uuid, element ->> 'name', 'scheduled',
         coalesce(element ->> 'queue', 'default'), coalesce((element ->> 'priority')::int, 0),
         nextval('"tasking".position'),
         array(select jsonb_array_elements_text(element -> 'exclusive')),
         array(select jsonb_array_elements_text(element -> 'shared')),
         element -> 'counted', element -> 'options', (element ->> 'parentId')::uuid, element ->> 'dedupeKey',
         (element ->> 'groupId')::uuid, element ->> 'correlationId',
         clock_timestamp(), (element ->> 'runAt')::timestamptz, element -> 'input'
$$;
--> statement-breakpoint

-- Takes in a task that nothing stands before as running, for its dispatcher to run it at once. It has
-- never waited, so it leaves nothing in the index for claims. Answers with its fencing token.
create function "tasking".take_at_once(element jsonb, owner uuid) returns bigint
language plpgsql
as $$
declare
  place constant bigint := nextval('"tasking".position');
  token constant bigint := nextval('"tasking".fencing_token');
  moment constant timestamptz := clock_timestamp();
begin
  if element ->> 'groupId' is not null then
    perform "tasking".enter_group(
      (element ->> 'groupId')::uuid, (element ->> 'id')::uuid,
      element -> 'exclusive' ? ('group:' || (element ->> 'groupId'))
    );
  end if;
  insert into "tasking".reservation (resource, position, mode, task_id, amount, capacity)
  select r.resource, place, r.mode, (element ->> 'id')::uuid, r.amount, r.capacity
    from "tasking".reservations(jsonb_build_array(element)) as r;
  insert into "tasking".task (
    id, name, state, queue, priority, position, exclusive, shared, counted, options, parent_id, dedupe_key,
    group_id, correlation_id, worker_id, fencing_token, dispatched_at, unblocked_at, started_at, input
  )
  select (element ->> 'id')::uuid, element ->> 'name', 'running',
         coalesce(element ->> 'queue', 'default'), coalesce((element ->> 'priority')::int, 0), place,
         array(select jsonb_array_elements_text(element -> 'exclusive')),
         array(select jsonb_array_elements_text(element -> 'shared')),
         element -> 'counted', element -> 'options', (element ->> 'parentId')::uuid, element ->> 'dedupeKey',
         (element ->> 'groupId')::uuid, element ->> 'correlationId', owner, token, moment, moment, moment,
         element -> 'input';
  return token;
end
$$;
--> statement-breakpoint

-- Takes in one task that asks to be alone with its key, or not to wait, or to be run by its dispatcher,
-- `owner`, which gets its fencing token then. The locks of its resources
-- and of its key are held, so nobody dispatches a twin, or into its lines, meanwhile.
create function "tasking".take_in_if(element jsonb, nth int)
returns table (
  id uuid, state "tasking".task_state, blocked boolean, unblocked int, looks jsonb, token bigint
)
language plpgsql
as $$
#variable_conflict use_column
declare
  own_id constant uuid := element ->> 'id';
  owner constant uuid := element ->> 'owner';
  if_twin constant text := coalesce(element ->> 'ifTwin', 'return');
  if_blocked constant text := coalesce(element ->> 'ifBlocked', 'wait');
  twin "tasking".task%rowtype;
  resource text;
  at_once boolean;
begin
  unblocked := 0;
  if element ? 'dedupeKey' or element ? 'ifBlocked' or element ? 'owner' then
    perform "tasking".need_read_committed('dedupe keys and ifBlocked');
  end if;
  -- A repeated dispatch finds its task there.
  if exists (select from "tasking".task as t where t.id = own_id) then
    return query
    select t.id, t.state, t.unblocked_at is null, 0, null::jsonb,
           case when t.worker_id = owner and t.state in ('running', 'canceling') then t.fencing_token end
      from "tasking".task as t where t.id = own_id;
    return;
  end if;

  if element ->> 'dedupeKey' is not null then
    select t.* into twin
      from "tasking".task as t
     where t.name = element ->> 'name'
       and t.dedupe_key = element ->> 'dedupeKey'
       and t.dedupe_key is not null
       and t.state in ('scheduled', 'waiting', 'running', 'canceling');
    if found then
      if if_twin = 'return' then
        id := twin.id; state := twin.state; blocked := twin.unblocked_at is null;
        return next;
        return;
      elsif if_twin = 'skip' then
        perform "tasking".turn_away(element, 'skipped', jsonb_build_object(
          'name', 'TaskSkippedError', 'code', 'twin_incomplete',
          'message', format('Task %s with the same dedupe key is incomplete.', twin.id)
        ));
        id := own_id; state := 'skipped'; blocked := true;
        return next;
        return;
      end if;
      -- Waits for a claim under way, and then for what came of it.
      select t.* into twin from "tasking".task as t where t.id = twin.id for no key update;
      if twin.state in ('scheduled', 'waiting') and twin.ends_as is null then
        select c.unblocked, c.looks into unblocked, looks
          from "tasking".cancel(twin.id, format('Replaced by task %s.', own_id)) as c;
      elsif twin.state in ('waiting', 'running', 'canceling') then
        -- An orphan is as good as running: its clean-up comes first.
        update "tasking".task as t set dedupe_key = null where t.id = twin.id;
      end if;
    end if;
  end if;

  if if_blocked <> 'wait' or owner is not null then
    resource := "tasking".taken(element);
    at_once := resource is null and exists (
      select from "tasking".app_status as a
       where a.id = owner
         and a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > clock_timestamp()
    );
    if resource is not null and if_blocked = 'fail' then
      raise exception 'resource "%" is taken', resource
        using errcode = 'TK002',
              detail = jsonb_build_object('resource', resource, 'index', nth - 1)::text;
    elsif resource is not null and if_blocked = 'skip' then
      perform "tasking".turn_away(element, 'skipped', jsonb_build_object(
        'name', 'TaskSkippedError', 'code', 'resources_busy',
        'message', format('Resource "%s" is taken.', resource)
      ));
      id := own_id; state := 'skipped'; blocked := true;
      return next;
      return;
    elsif at_once then
      token := "tasking".take_at_once(element, owner);
      id := own_id; state := 'running'; blocked := false;
      return next;
      return;
    elsif if_blocked = 'cancel' then
      perform "tasking".turn_away(element, 'canceled', jsonb_build_object(
        'name', 'ResourcesUnavailableError', 'code', 'resources_unavailable',
        'message', 'Resources temporarily unavailable.'
      ));
      id := own_id; state := 'canceled'; blocked := true;
      return next;
      return;
    end if;
  end if;

  id := own_id;
  if element ? 'runAt' then
    perform "tasking".put_off(element);
    state := 'scheduled'; blocked := true;
    return next;
    return;
  end if;
  state := 'waiting';
  blocked := "tasking".take_in(
    own_id, element ->> 'name', coalesce(element ->> 'queue', 'default'),
    coalesce((element ->> 'priority')::int, 0), element -> 'input',
    array(select jsonb_array_elements_text(element -> 'exclusive')),
    array(select jsonb_array_elements_text(element -> 'shared')),
    element -> 'counted', element -> 'options', (element ->> 'parentId')::uuid, element ->> 'dedupeKey',
    (element ->> 'groupId')::uuid, element ->> 'correlationId'
  );
  return next;
end
$$;
--> statement-breakpoint

-- The batch with the moment at which each task is due as its `runAt`; without one where that is now.
create function "tasking".timed(batch jsonb) returns jsonb
language sql volatile
as $$
  select jsonb_agg(
           case
             when due.moment > clock_timestamp() then e.element - 'delayMs' || jsonb_build_object('runAt', due.moment)
             else e.element - 'delayMs' - 'runAt'
           end
           order by e.nth
         )
    from jsonb_array_elements(batch) with ordinality as e (element, nth)
   cross join lateral (
     select coalesce(
              clock_timestamp() + (e.element ->> 'delayMs')::float8 * interval '1 millisecond',
              (e.element ->> 'runAt')::timestamptz
            ) as moment
   ) as due
$$;
--> statement-breakpoint

-- Creates tasks that may be conditional: all or none, in line in the order given, one by one, since
-- each may depend on what became of those before it. An element of the batch has the keys id, name,
-- queue, priority, input, exclusive, shared, counted, options, parentId, groupId, correlationId,
-- dedupeKey, ifTwin, ifBlocked, owner, delayMs, runAt.
-- Says what is to be looked at again after the commit, where something was replaced.
create function "tasking".dispatch_batch(batch jsonb)
returns table (
  id uuid, state "tasking".task_state, blocked boolean, unblocked int, looks jsonb, token bigint
)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  names text[];
  alones boolean[];
  lining_up jsonb := batch;
begin
  if batch @? '$[*] ? (exists(@.delayMs) || exists(@.runAt))' then
    batch := "tasking".timed(batch);
    lining_up := jsonb_path_query_array(batch, '$[*] ? (!exists(@.runAt))');
  end if;
  select array_agg(n.name), array_agg(n.alone)
    into names, alones
    from (
      select each.name, bool_or(each.alone) as alone
        from (
          -- Two that only share a resource don't meet; whoever counts must see whoever counts.
          select r.resource as name, r.mode <> 'shared' as alone
            from "tasking".reservations(lining_up) as r
          union all
          -- A replaced twin's own lines change as well, but by a release, which never waits.
          select format('%s %s', e ->> 'name', e ->> 'dedupeKey'), true
            from jsonb_array_elements(batch) as e
           where e ? 'dedupeKey'
        ) as each
       group by each.name
    ) as n;
  if names is not null then
    perform "tasking".lock_names(names, alones);
  end if;
  for nth in 1 .. jsonb_array_length(batch) loop
    return query select * from "tasking".take_in_if(batch -> (nth - 1), nth);
  end loop;
end
$$;
--> statement-breakpoint

-- Creates one task without conditions. Says whether it is blocked.
create function "tasking".dispatch_one(
  id uuid, name text, queue text, priority int, input jsonb, exclusive text[], shared text[],
  counted jsonb, options jsonb, parent_id uuid, group_id uuid, correlation_id text
)
returns boolean
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  alone text[];
begin
  if exclusive <> '{}' or shared <> '{}' or counted is not null then
    alone := exclusive || case when counted is not null then "tasking".counted_names(counted) end;
    -- Two that only share a resource don't meet; whoever counts must see whoever counts.
    perform "tasking".lock_names(
      alone || shared,
      array_fill(true, array[cardinality(alone)]) || array_fill(false, array[cardinality(shared)])
    );
  end if;
  return "tasking".take_in(
    id, name, queue, priority, input, exclusive, shared, counted, options, parent_id, null, group_id,
    correlation_id
  );
end
$$;
--> statement-breakpoint

-- Wakes workers with this commit, if no other one is about to: those that notify wait for each other,
-- each until the one before is on the disk.
create function "tasking".wake_with_commit(signal text) returns boolean
language sql
as $$
  select case
           when pg_try_advisory_xact_lock(hashtextextended('wake-ups of "tasking"', 1))
             then pg_notify(replace('"tasking"', '"', '') || '_signals', signal) is not null
           else false
         end
$$;
--> statement-breakpoint

-- Creates many tasks without conditions: all or none, in line in the order given. What is said of the
-- nth task stands at the nth place of each array; its resources as the text of an array. `names` and
-- `alones` are the resources of all and whether some task needs one alone; `place_names` and what
-- follows are the places of all and the nth of which task each is, neighbors in the index one after
-- another, so that its pages are at hand. Says which tasks are blocked.
create function "tasking".dispatch_many(
  names text[], alones boolean[], ids uuid[], task_names text[], queues text[], priorities int[],
  inputs jsonb, exclusives text[], shareds text[], counteds jsonb[], optionses jsonb[],
  parent_ids uuid[], group_ids uuid[], correlation_ids text[], place_names text[],
  place_modes "tasking".reservation_mode[], amounts int[], capacities int[], nths int[]
)
returns uuid[]
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_variable
declare
  sees_all constant boolean := "tasking".sees_all();
  positions bigint[];
  moment timestamptz;
  blocked uuid[] := '{}';
  held_up boolean[] := array_fill(false, array[cardinality(ids)]);
  each_nth int;
begin
  if names <> '{}' then
    perform "tasking".lock_names(names, alones);
  end if;
  if array_remove(group_ids, null) <> '{}' then
    -- One of each group; its finalizer last, since nothing enters after it.
    perform "tasking".enter_group(member.group_id, member.id, member.finalizes)
       from (
         select distinct on (entering.finalizes, e.group_id) e.group_id, e.id, entering.finalizes
           from unnest(ids, group_ids, exclusives) as e (id, group_id, exclusive)
          cross join lateral (
            select 'group:' || e.group_id = any (e.exclusive::text[]) as finalizes
          ) as entering
          where e.group_id is not null
          order by entering.finalizes, e.group_id
       ) as member;
  end if;
  positions := array(
    select nextval('"tasking".position') from generate_series(1, cardinality(ids))
  );
  moment := clock_timestamp();
  if names = '{}' then
    insert into "tasking".task (
      id, name, state, queue, priority, position, exclusive, shared, options, parent_id, group_id,
      correlation_id, dispatched_at, unblocked_at, input
    )
    select e.id, e.name, 'waiting', e.queue, e.priority, e.position, '{}', '{}', e.options,
           e.parent_id, e.group_id, e.correlation_id, moment, moment, e.input
      from rows from (
             unnest(ids), unnest(task_names), unnest(queues), unnest(priorities), unnest(positions),
             unnest(optionses), unnest(parent_ids), unnest(group_ids), unnest(correlation_ids),
             jsonb_array_elements(inputs)
           ) as e (
             id, name, queue, priority, position, options, parent_id, group_id, correlation_id, input
           );
    return '{}';
  end if;

  insert into "tasking".reservation (resource, position, mode, task_id, amount, capacity)
  select p.resource, positions[p.nth], p.mode, ids[p.nth], p.amount, p.capacity
    from unnest(place_names, place_modes, amounts, capacities, nths)
         as p (resource, mode, amount, capacity, nth);

  -- A statement of its own, so that it sees what the locks waited for and the batch's own places.
  for each_nth in
    select p.nth
      from unnest(place_names, place_modes, amounts, capacities, nths)
           as p (resource, mode, amount, capacity, nth)
     where not sees_all
        or case
             -- Not "exists": that may be planned as a hash of all there are.
             when p.mode = 'exclusive' then (
               select true
                 from "tasking".reservation as ahead
                where ahead.resource = p.resource and ahead.position < positions[p.nth]
                limit 1
             )
             else (
               select true
                 from "tasking".reservation as ahead
                where ahead.resource = p.resource
                  and ahead.mode = 'exclusive'
                  and ahead.position < positions[p.nth]
                limit 1
             )
           end
        or p.mode = 'counted'
           and p.amount + "tasking".units_before(p.resource, positions[p.nth], p.capacity) > p.capacity
  loop
    if not held_up[each_nth] then
      held_up[each_nth] := true;
      blocked := blocked || ids[each_nth];
    end if;
  end loop;

  insert into "tasking".task (
    id, name, state, queue, priority, position, exclusive, shared, counted, options, parent_id,
    group_id, correlation_id, dispatched_at, unblocked_at, input
  )
  select e.id, e.name, 'waiting', e.queue, e.priority, e.position, e.exclusive::text[],
         e.shared::text[], e.counted, e.options, e.parent_id, e.group_id, e.correlation_id, moment,
         case when not held_up[e.nth] then moment end, e.input
    from rows from (
           unnest(ids), unnest(task_names), unnest(queues), unnest(priorities), unnest(positions),
           unnest(exclusives), unnest(shareds), unnest(counteds), unnest(optionses),
           unnest(parent_ids), unnest(group_ids), unnest(correlation_ids),
           jsonb_array_elements(inputs)
         ) with ordinality as e (
           id, name, queue, priority, position, exclusive, shared, counted, options, parent_id,
           group_id, correlation_id, input, nth
         );
  return blocked;
end
$$;
--> statement-breakpoint

-- A new id: a UUID of version 7 (RFC 9562), so that ids grow with time, also within a millisecond.
create function "tasking".new_id() returns uuid
language sql volatile parallel safe
as $$
  select encode(
           substring(int8send(moment.us / 1000) from 3)
             || int2send((28672 + moment.us % 1000 * 4096 / 1000)::int2)
             || substring(uuid_send(gen_random_uuid()) from 9),
           'hex'
         )::uuid
    from (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us) as moment
$$;
--> statement-breakpoint

-- Creates one task, for psql, triggers and programs in other languages:
--   select tasking.dispatch('repository.sync', '{"repository": 42}', exclusive => '{repository:42}');
-- Like `dispatch` of the API, but nothing checks the input against the definition's schema, and its
-- rule for resources isn't asked: say them here. Returns the id: of the twin, if that stands for it.
create function "tasking".dispatch(
  name text,
  input jsonb default 'null',
  exclusive text[] default '{}',
  shared text[] default '{}',
  counted jsonb default null,
  queue text default 'default',
  priority int default 0,
  parent_id uuid default null,
  dedupe_key text default null,
  if_twin text default 'return',
  if_blocked text default 'wait',
  timeout interval default null,
  group_id uuid default null,
  correlation_id text default null,
  run_at timestamptz default null,
  requires jsonb default null
)
returns uuid
language plpgsql
as $$
#variable_conflict use_variable
declare
  modes jsonb;
  wrong text;
  dispatched record;
begin
  if coalesce(name, '') !~ '\S' or length(name) > 200 then
    raise exception 'name: % is not a task name of 1 to 200 characters', quote_nullable(name)
      using errcode = 'invalid_parameter_value';
  elsif coalesce(queue, '') !~ '\S' or length(queue) > 100 then
    raise exception 'queue: % is not a queue name of 1 to 100 characters', quote_nullable(queue)
      using errcode = 'invalid_parameter_value';
  elsif (priority between -1000000 and 1000000) is not true then
    raise exception 'priority: % is not a whole number within ±1,000,000', quote_nullable(priority)
      using errcode = 'invalid_parameter_value';
  elsif dedupe_key !~ '\S' or length(dedupe_key) > 200 then
    raise exception 'dedupe_key: % is not a key of 1 to 200 characters', quote_nullable(dedupe_key)
      using errcode = 'invalid_parameter_value';
  elsif correlation_id !~ '\S' or length(correlation_id) > 200 then
    raise exception 'correlation_id: % is not a text of 1 to 200 characters', quote_nullable(correlation_id)
      using errcode = 'invalid_parameter_value';
  elsif coalesce(if_twin, '') not in ('return', 'skip', 'replace') then
    raise exception 'if_twin: % is not one of return, skip, replace', quote_nullable(if_twin)
      using errcode = 'invalid_parameter_value';
  elsif coalesce(if_blocked, '') not in ('wait', 'skip', 'fail') then
    raise exception 'if_blocked: % is not one of wait, skip, fail', quote_nullable(if_blocked)
      using errcode = 'invalid_parameter_value';
  elsif timeout <= interval '0' then
    raise exception 'timeout: % is not longer than no time at all', quote_literal(timeout)
      using errcode = 'invalid_parameter_value';
  elsif not isfinite(run_at) then
    raise exception 'run_at: % is not a moment', quote_literal(run_at)
      using errcode = 'invalid_parameter_value';
  elsif run_at is not null and group_id is not null then
    raise exception 'run_at: % is not for a task of a group, whose place in line its finalizer waits for',
      quote_literal(run_at) using errcode = 'invalid_parameter_value';
  elsif run_at is not null and if_blocked <> 'wait' then
    raise exception 'if_blocked: % is not wait, as a task that is due later needs', quote_literal(if_blocked)
      using errcode = 'invalid_parameter_value';
  elsif jsonb_typeof(requires) <> 'object'
        or jsonb_path_exists(
             requires,
             'strict $.* ? (@.type() != "string" || !(@ like_regex "^[0-9]{1,9}([.][0-9]{1,9}){0,3}(-[0-9A-Za-z_.-]+)?([+][0-9A-Za-z_.-]+)?$"))',
             silent => true
           ) then
    raise exception 'requires: % is not an object of versions such as {"codec": "2.1.0"}', requires
      using errcode = 'invalid_parameter_value';
  elsif jsonb_typeof(counted) <> 'array'
        or jsonb_path_exists(counted, 'strict $[*] ? (@.type() != "object")', silent => true) then
    raise exception 'counted: % is not an array of {"resource", "amount", "capacity"}', counted
      using errcode = 'invalid_parameter_value';
  end if;

  -- The normal form: sorted, each resource once, in its strongest mode.
  with asked as materialized (
    select e.resource, 'exclusive'::"tasking".reservation_mode as mode, null::numeric as amount,
           null::numeric as capacity
      from unnest(exclusive) as e (resource)
    union all
    select s.resource, 'shared', null, null from unnest(shared) as s (resource)
    union all
    select 'group:' || group_id, 'shared', null, null where group_id is not null
    union all
    select c.resource, 'counted',
           case when c.amount is null then 1
                when jsonb_typeof(c.amount) = 'number' then c.amount::numeric end,
           case when jsonb_typeof(c.capacity) = 'number' then c.capacity::numeric end
      from jsonb_to_recordset(counted) as c (resource text, amount jsonb, capacity jsonb)
  ), strongest as (
    select distinct on (a.resource) a.*
      from asked as a
     order by a.resource, a.mode desc
  )
  select (
           select jsonb_strip_nulls(jsonb_build_object(
                    'exclusive', coalesce(
                      jsonb_agg(s.resource order by s.resource collate "C")
                        filter (where s.mode = 'exclusive'),
                      '[]'
                    ),
                    'shared', coalesce(
                      jsonb_agg(s.resource order by s.resource collate "C")
                        filter (where s.mode = 'shared'),
                      '[]'
                    ),
                    'counted', jsonb_agg(
                      jsonb_build_object(
                        'resource', s.resource, 'amount', trunc(s.amount), 'capacity', trunc(s.capacity)
                      )
                      order by s.resource collate "C"
                    ) filter (where s.mode = 'counted')
                  ))
             from strongest as s
         ),
         min(case
               when a.resource is null then 'a resource without a name'
               when a.resource = '' then 'a resource whose name is empty'
               when octet_length(a.resource) > 1000 then 'a resource whose name is longer than 1,000 bytes'
               when a.mode <> 'counted' then null
               when (
                      a.capacity = trunc(a.capacity) and a.capacity between 1 and 10000
                      and a.amount = trunc(a.amount) and a.amount between 1 and a.capacity
                    ) is not true
                 then format(
                   'resource "%s", whose capacity is not from 1 to 10,000 or whose amount is not from 1 to the capacity',
                   a.resource
                 )
               when a.times > 1 then format('resource "%s", which is counted twice', a.resource)
             end)
    into modes, wrong
    from (
      select a.*, count(*) over (partition by a.resource, a.mode) as times from asked as a
    ) as a;
  if wrong is not null then
    raise exception 'can''t reserve %', wrong using errcode = 'invalid_parameter_value';
  end if;

  select d.* into dispatched
    from "tasking".dispatch_batch(jsonb_build_array(modes || jsonb_strip_nulls(jsonb_build_object(
           'id', "tasking".new_id(),
           'name', name,
           'queue', queue,
           'priority', priority,
           'parentId', parent_id,
           'groupId', group_id,
           'correlationId', correlation_id,
           'dedupeKey', dedupe_key,
           'ifTwin', case when dedupe_key is not null then if_twin end,
           'ifBlocked', nullif(if_blocked, 'wait'),
           'runAt', run_at,
           'options', nullif(jsonb_strip_nulls(jsonb_build_object(
             'timeoutMs', round(extract(epoch from timeout) * 1000),
             'requires', nullif(requires, '{}')
           )), '{}')
         )) || jsonb_build_object('input', coalesce(input, 'null'::jsonb)))) as d;
  if dispatched.state = 'waiting' and not dispatched.blocked or dispatched.unblocked > 0 then
    -- Sent with the caller's commit, and once however many tasks there are in it. Whatever may go on
    -- since the twin was replaced can be of any queue.
    perform pg_notify(
      replace('"tasking"', '"', '') || '_signals',
      jsonb_build_object(
        'kind', 'wakeup', 'queue', case when dispatched.unblocked = 0 then queue end
      )::text
    );
  end if;
  -- A worker looks for due tasks now and then anyway.
  if dispatched.state = 'scheduled' and run_at < clock_timestamp() + interval '5 seconds' then
    perform pg_notify(
      replace('"tasking"', '"', '') || '_signals',
      jsonb_build_object(
        'kind', 'due',
        'inMs', greatest(0, ceil(extract(epoch from run_at - clock_timestamp()) * 1000))
      )::text
    );
  end if;
  return dispatched.id;
end
$$;
--> statement-breakpoint

-- Who may have waited for what was given up in a line: the first exclusive one; the counted ones before
-- it that fit, and the first that doesn't, where something went that may have been in their way; and
-- the shared ones before it, where an exclusive one went. Whoever stands behind waits for these.
create function "tasking".candidates(resource text, given_up "tasking".reservation_mode)
returns uuid[]
language plpgsql stable
as $$
#variable_conflict use_variable
declare
  head record;
  counted_one record;
  units bigint := 0;
  greatest_capacity bigint := 0;
  waiting uuid[];
begin
  select r.position, r.task_id into head
    from "tasking".reservation as r
   where r.resource = resource and r.mode = 'exclusive'
   order by r.resource, r.position
   limit 1;
  waiting := case when head.task_id is not null then array[head.task_id] else '{}' end;
  if given_up = 'exclusive' then
    waiting := waiting || array(
      select r.task_id
        from "tasking".reservation as r
       where r.resource = resource and r.mode = 'shared'
         and r.position < coalesce(head.position, 9223372036854775807)
    );
  end if;
  if given_up <> 'shared' then
    for counted_one in
      select r.task_id, r.amount, r.capacity
        from "tasking".reservation as r
       where r.resource = resource and r.mode = 'counted'
         and r.position < coalesce(head.position, 9223372036854775807)
       order by r.resource, r.position
    loop
      -- Where each names another capacity, one with a larger one may fit behind one that doesn't.
      greatest_capacity := greatest(greatest_capacity, counted_one.capacity);
      exit when units > greatest_capacity;
      units := units + counted_one.amount;
      waiting := waiting || counted_one.task_id;
    end loop;
  end if;
  return waiting;
end
$$;
--> statement-breakpoint

-- Looks at the lines of some resources and unblocks whoever has no conflicting task before it any
-- more. `modes` says what was given up there. `reasons` says why each is looked at:
--   released  its reservation goes with this very transaction
--   second    it went with an earlier one; two that ended at once may each have seen the other
--   inflight  a dispatcher that may have seen it as still there was in flight
-- Nothing here waits: a lock that isn't free means that somebody may yet change the picture, and
-- then the answer says that the resource must be looked at again, and when.
create function "tasking".unblock(
  resources text[], modes "tasking".reservation_mode[], reasons text[],
  out freed uuid[], out looks jsonb
)
language plpgsql
as $$
#variable_conflict use_column
declare
  inflight boolean[];
  free uuid[];
  free_at int[];
  places bigint[];
  due int[];
  gate_key constant bigint := "tasking".lock_key('');
  tried constant bigint := coalesce("tasking".recall('tries'), 0);
begin
  -- All tries before the first look: whoever dispatches after this sees the release, and whoever
  -- dispatched before it is seen. No more in one transaction than a share of the table of locks, which
  -- is everybody's: the rest is looked at again like what is in flight. Shared and counted ones can
  -- only have kept those from going on who dispatch alone. Past the gate alone, nobody is in flight.
  with gate as materialized (
    select pg_try_advisory_xact_lock_shared(gate_key) as is_open, "tasking".most_tries() - tried as most,
           "tasking".recall('gate') is not distinct from gate_key as is_alone,
           set_config('tasking.tries', (tried + cardinality(resources))::text, true)
  )
  select array_agg(t.inflight order by t.nth) into inflight
    from (
      select l.nth,
             case
               when l.reason = 'second' or (select g.is_alone from gate as g) then false
               when l.nth > (select g.most from gate as g) or not (select g.is_open from gate as g) then true
               when l.mode = 'exclusive'
                 then not pg_try_advisory_xact_lock("tasking".lock_key(l.resource))
               else not pg_try_advisory_xact_lock_shared("tasking".lock_key(l.resource))
             end as inflight
        from unnest(resources, modes, reasons) with ordinality as l (resource, mode, reason, nth)
    ) as t;

  -- One snapshot for all: who has nothing before it at a resource never has again.
  select array_agg(c.id) filter (where not c.blocked), array_agg(c.nth) filter (where not c.blocked),
         array_agg(c.position) filter (where not c.blocked),
         array_agg(c.nth) filter (where c.blocked and c.reason = 'released')
    into free, free_at, places, due
    from (
      select l.nth, l.reason, t.id, t.position, b.blocked
        from unnest(resources, modes, reasons) with ordinality as l (resource, mode, reason, nth)
       cross join lateral (
         select r.mode, r.task_id
           from "tasking".reservation as r
          where r.resource = l.resource
          order by r.resource, r.position
          limit 1
       ) as head
       cross join lateral unnest(
         case
           when head.mode = 'exclusive' then array[head.task_id]
           else "tasking".candidates(l.resource, l.mode)
         end
       ) as candidate (id)
       cross join lateral (
         select w.id, w.position, w.exclusive, w.shared, w.counted
           from "tasking".task as w
          where w.id = candidate.id and w.state = 'waiting' and w.unblocked_at is null
          limit 1
       ) as t
       cross join lateral "tasking".is_blocked(t.position, t.exclusive, t.shared, t.counted) as b
      -- Keeps the verdict from being asked for wherever it is used.
      offset 0
    ) as c;

  freed := '{}';
  if free is not null then
    -- Monotone: what stands behind a task can't block it, so no other lock is needed. A row that
    -- somebody holds (a cancel that may yet roll back, another finisher) is never waited for.
    with unblocked as (
      update "tasking".task as t
         set unblocked_at = clock_timestamp()
       where t.id = any (array(
               select f.id
                 from "tasking".task as f
                where f.id = any (free) and f.state = 'waiting' and f.unblocked_at is null
                  -- It may have run since, and be back in line to be tried again: at another place.
                  and f.position = any (places)
                  for no key update skip locked
             ))
      returning t.id
    )
    select coalesce(array_agg(u.id), '{}') into freed from unblocked as u;
  end if;

  select coalesce(jsonb_agg(jsonb_build_object(
           'resource', resources[d.nth], 'mode', modes[d.nth], 'inFlight', d.inflight
         )), '[]')
    into looks
    from (
      select a.nth, bool_or(a.inflight) as inflight
        from (
          select i.nth, true as inflight from unnest(inflight) with ordinality as i (inflight, nth) where i.inflight
          union all
          select s.nth, false from unnest(due) as s (nth)
          union all
          select f.nth, true from unnest(free, free_at) as f (id, nth) where f.id not in (select unnest(freed))
        ) as a
       group by a.nth
    ) as d;
end
$$;
--> statement-breakpoint

-- Gives up the places in line of finished tasks, named by their resources and positions in
-- parallel arrays, and looks at what that frees and at what earlier calls left to look at.
create function "tasking".release(
  resources text[], modes "tasking".reservation_mode[], positions bigint[], pending jsonb,
  out freed uuid[], out looks jsonb
)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  names text[];
  strongest "tasking".reservation_mode[];
  reasons text[];
begin
  if resources is not null then
    -- By their places on disk: a join may be planned as a scan of the whole index, when that is small.
    delete from "tasking".reservation as r
     where r.ctid = any (array(
             select place.ctid
               from unnest(resources, positions) as gone (resource, position)
              cross join lateral (
                select p.ctid
                  from "tasking".reservation as p
                 where p.resource = gone.resource and p.position = gone.position
                 limit 1
              ) as place
           ));
  end if;
  if pending = '[]' and cardinality(resources) = 1 then
    select u.freed, u.looks into freed, looks from "tasking".unblock(resources, modes, '{released}') as u;
    return;
  end if;
  -- Each line once, those first that have waited longest for a try.
  select array_agg(due.resource order by due.reason), array_agg(due.mode order by due.reason),
         array_agg(due.reason order by due.reason)
    into names, strongest, reasons
    from (
      select d.resource, max(d.mode) as mode,
             case when bool_or(d.reason = 'released') then 'released' else min(d.reason) end as reason
        from (
          select gone.resource, gone.mode, 'released' as reason
            from unnest(resources, modes) as gone (resource, mode)
          union all
          select l ->> 'resource', (l ->> 'mode')::"tasking".reservation_mode,
                 case when (l ->> 'inFlight')::boolean then 'inflight' else 'second' end
            from jsonb_array_elements(pending) as l
        ) as d
       group by d.resource
    ) as due;
  if names is null then
    freed := '{}';
    looks := '[]';
    return;
  end if;
  select u.freed, u.looks into freed, looks
    from "tasking".unblock(names, strongest, reasons) as u;
end
$$;
--> statement-breakpoint

-- Makes the worker the owner of these tasks, which are locked, and answers what it must know of them:
-- an array for each column, in the order of the line, and one of what few tasks have.
create function "tasking".hand_over(picked uuid[], worker uuid, moment timestamptz) returns json
language plpgsql
as $$
#variable_conflict use_column
declare
  -- One for all: what matters is that a task never gets the same again.
  token constant bigint := nextval('"tasking".fencing_token');
  answer json;
begin
  -- Whoever asked to cancel an orphan was told that it will be.
  with taken as (
    update "tasking".task as t
       set state = (case
                      when t.ends_as = 'canceled' or t.state = 'canceling' then 'canceling'
                      else 'running'
                    end)::"tasking".task_state,
           worker_id = worker, fencing_token = token, started_at = coalesce(t.started_at, moment)
     where t.id = any (picked)
    returning t.id, t.priority, t.position, t.name, t.queue, t.input,
              case
                when num_nonnulls(t.parent_id, t.counted, t.options, t.group_id, t.correlation_id, t.ends_as) > 0
                     or t.attempt > 1 or t.exclusive <> '{}' or t.shared <> '{}'
                then json_build_array(
                  t.exclusive, t.shared, t.counted, t.parent_id, t.options, t.group_id, t.correlation_id,
                  t.attempt,
                  case when t.ends_as is not null then json_build_object('endsAs', t.ends_as, 'error', t.error) end
                )
              end as rest
  )
  select json_build_array(
           token::text, array_agg(t.id), array_agg(t.name), array_agg(t.queue), array_agg(t.input),
           case when count(t.rest) > 0 then array_agg(t.rest) end
         )
    into answer
    from (select * from taken order by priority desc, position) as t;
  return answer;
end
$$;
--> statement-breakpoint

-- Claims up to so many tasks of one queue, the most urgent and oldest first. Each name has a part of
-- the index of its own, so that tasks which nobody here can run don't stand in the way. What is left
-- there of claimed tasks does, while somebody's snapshot keeps it from being cleaned up: `floors`
-- says for each name where to begin instead of at its front (null: at the front), or with the first
-- of those just `freed` if that stands before. The answer says where to go on.
create function "tasking".claim(
  worker uuid, queue text, names text[], slots int, moment timestamptz, floors jsonb, freed uuid[],
  out tasks int, out claimed json, out next_floors jsonb, out look_ms real
)
language plpgsql
as $$
#variable_conflict use_variable
declare
  slow_ms constant real := 2;
  -- Up to so many, the queries that follow say as well as one of their own whether there is anything.
  few_slots constant int := 100;
  row_ms constant real := 0.05;
  -- How far behind the last that was claimed a dispatch may commit and still be seen at once. Each
  -- place of it is a dead entry that every claim reads.
  margin constant bigint := 100;
  runnable text[];
  ranks int[];
  positions bigint[];
  untils int[];
  chosen int[];
  shares int[];
  total int;
  picked uuid[] := '{}';
begin
  tasks := 0;
  if floors is not null and freed <> '{}' then
    select floors || coalesce(
             jsonb_object_agg(first.name, jsonb_build_array(first.rank, first.position)), '{}'
           )
      into floors
      from (
        select distinct on (t.name) t.name, - t.priority as rank, t.position
          from unnest(freed) as free (id)
         cross join lateral (
           select coalesce(f.name || chr(31) || (f.options ->> 'requires'), f.name) as name,
                  f.priority, f.position
             from "tasking".task as f
            where f.id = free.id and f.queue = queue
            limit 1
         ) as t
         where (- t.priority, t.position)
               < ((floors -> t.name ->> 0)::int, (floors -> t.name ->> 1)::bigint)
         order by t.name, - t.priority, t.position
      ) as first;
  end if;

  if floors is null and slots <= few_slots and cardinality(names) = 1 then
    -- As what follows would do; but starting its queries is much of what a small turn costs.
    picked := array(
      select c.id
        from "tasking".task as c
       where c.queue = queue
         and coalesce(c.name || chr(31) || (c.options ->> 'requires'), c.name) = names[1]
         and c.state = 'waiting' and c.unblocked_at is not null
       order by c.queue, coalesce(c.name || chr(31) || (c.options ->> 'requires'), c.name),
                (- c.priority), c.position
       limit slots
         for no key update skip locked
    );
  elsif floors is null and slots <= few_slots then
    runnable := names;
    ranks := array_fill(-2147483648, array[cardinality(names)]);
    positions := array_fill(0::bigint, array[cardinality(names)]);
    untils := array_fill(2147483647, array[cardinality(names)]);
  else
    -- A part of the index for each name; with a floor two, all that is more urgent and what is not. Of
    -- each the first that is there, for what follows to begin with.
    select array_agg(known.name), array_agg(first.rank), array_agg(first.position),
           array_agg(known.until)
      into runnable, ranks, positions, untils
      from (
        select each.name, -2147483648 as rank, 0::bigint as position,
               coalesce((floors -> each.name ->> 0)::int, 2147483647) as until
          from unnest(names) as each (name)
        union all
        select each.name, (floors -> each.name ->> 0)::int, (floors -> each.name ->> 1)::bigint, 2147483647
          from unnest(names) as each (name)
         where floors ? each.name
      ) as known
     cross join lateral (
       select - t.priority as rank, t.position
         from "tasking".task as t
        where t.queue = queue
          and coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name) = known.name
          and (- t.priority, t.position) >= (known.rank, known.position)
          and (- t.priority) < known.until
          and t.state = 'waiting' and t.unblocked_at is not null
        order by t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name),
                 (- t.priority), t.position
        limit 1
     ) as first;
    look_ms := extract(epoch from clock_timestamp() - moment) * 1000;
  end if;
  while runnable is not null loop
    chosen := '{1}';
    shares := array[slots - cardinality(picked)];
    if cardinality(runnable) > 1 then
      -- How many of each are among the first; only those are locked.
      select array_agg(first.nth::int), array_agg(first.share), sum(first.share)
        into chosen, shares, total
        from (
          select near.nth, count(*)::int as share
            from (
              select known.nth
                from unnest(runnable, ranks, positions, untils)
                     with ordinality as known (name, rank, position, until, nth)
               cross join lateral (
                 select t.priority, t.position
                   from "tasking".task as t
                  where t.queue = queue
                    and coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name) = known.name
                    and (- t.priority, t.position) >= (known.rank, known.position)
                    and (- t.priority) < known.until
                    and t.state = 'waiting' and t.unblocked_at is not null
                  order by t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name),
                           (- t.priority), t.position
                  limit slots - cardinality(picked)
               ) as ready
               order by ready.priority desc, ready.position
               limit slots - cardinality(picked)
            ) as near
           group by near.nth
        ) as first;
      -- There may be none left: those that were here first are held, or taken meanwhile.
      exit when chosen is null;
      total := total + cardinality(picked);
    end if;
    picked := picked || array(
      select ready.id
        from unnest(chosen, shares) as part (nth, share)
       cross join lateral (
         select c.id
           from "tasking".task as c
          where c.queue = queue
            and coalesce(c.name || chr(31) || (c.options ->> 'requires'), c.name) = runnable[part.nth]
            and (- c.priority, c.position) >= (ranks[part.nth], positions[part.nth])
            and (- c.priority) < untils[part.nth]
            and c.state = 'waiting' and c.unblocked_at is not null
          order by c.queue, coalesce(c.name || chr(31) || (c.options ->> 'requires'), c.name),
                   (- c.priority), c.position
          limit part.share
            for no key update skip locked
       ) as ready
    );
    exit when cardinality(runnable) = 1 or cardinality(picked) >= total;
    -- Somebody holds what was counted, maybe for long. A part that gave less than its share has no
    -- more to give; the others go on behind what they gave.
    select array_agg(known.name), array_agg(coalesce(gave.last[1]::int, known.rank)),
           array_agg(coalesce(gave.last[2] + 1, known.position)), array_agg(known.until)
      into runnable, ranks, positions, untils
      from unnest(runnable, ranks, positions, untils)
           with ordinality as known (name, rank, position, until, nth)
     cross join lateral (
       select count(*) as tasks, max(array[- p.priority, p.position]) as last
         from "tasking".task as p
        where p.id = any (picked)
          and coalesce(p.name || chr(31) || (p.options ->> 'requires'), p.name) = known.name
          and (- p.priority, p.position) >= (known.rank, known.position)
          and (- p.priority) < known.until
     ) as gave
     where gave.tasks = coalesce(shares[array_position(chosen, known.nth::int)], 0);
  end loop;
  -- Without what it takes to lock a row.
  look_ms := coalesce(look_ms, greatest(
    0, extract(epoch from clock_timestamp() - moment) * 1000 - row_ms * cardinality(picked)
  ));
  if picked = '{}' then
    return;
  end if;
  if floors is not null or look_ms > slow_ms then
    select jsonb_agg(jsonb_build_array(queue, last.name, jsonb_build_array(last.rank, last.position - margin)))
      into next_floors
      from (
        select distinct on (t.name) t.name, t.rank, t.position
          from (
            select coalesce(p.name || chr(31) || (p.options ->> 'requires'), p.name) as name,
                   - p.priority as rank, p.position
              from "tasking".task as p
             where p.id = any (picked)
          ) as t
         order by t.name, t.rank desc, t.position desc
      ) as last;
  end if;
  tasks := cardinality(picked);
  claimed := "tasking".hand_over(picked, worker, moment);
end
$$;
--> statement-breakpoint

-- In how many milliseconds the next scheduled task is due; null without any.
create function "tasking".next_due_ms() returns bigint
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
begin
  return (
    select greatest(0, ceil(extract(epoch from t.run_at - clock_timestamp()) * 1000))
      from "tasking".task as t
     where t.state = 'scheduled'
     order by t.run_at, t.id
     limit 1
  );
end
$$;
--> statement-breakpoint

-- A version as numbers that compare as it does: four, and whether it is a release.
create function "tasking".version_parts(version text) returns int[]
language sql immutable strict parallel safe
as $$
  select (string_to_array(split_part(whole.text, '-', 1), '.')::int[] || array[0, 0, 0, 0])[1:4]
         || case when strpos(whole.text, '-') > 0 then 0 else 1 end
    from (select split_part(version, '+', 1)) as whole (text)
$$;
--> statement-breakpoint

-- Whether each component that is required is there, in that version or a later one.
create function "tasking".satisfies(versions jsonb, requires jsonb) returns boolean
language sql immutable parallel safe
as $$
  select coalesce(bool_and(
           coalesce(
             "tasking".version_parts(versions ->> r.key) >= "tasking".version_parts(r.value), false
           )
         ), true)
    from jsonb_each_text(requires) as r
$$;
--> statement-breakpoint

-- Whether a living worker could claim the task, and its definition there cleans up.
create function "tasking".can_clean_up(t "tasking".task) returns boolean
language sql stable
as $$
  select exists (
    select from "tasking".app_status as a
     where t.name = any (a.cleans_up)
       and t.queue = any (a.queues)
       and t.name = any (a.task_names)
       -- Not by the names it claims: what a running task requires may be forgotten by now.
       and "tasking".satisfies(a.versions, t.options -> 'requires')
       and a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > clock_timestamp()
  )
$$;
--> statement-breakpoint

-- Puts tasks back that don't end yet: off, where their handlers failed and are to be tried again, or
-- in line as orphans, where a thread or a process died and left something that somebody can clean up.
-- Whoever was asked to stop is not tried again, and an orphan ends as was said. Answers with the
-- places in line that are given up, and with the orphans, which can be claimed.
create function "tasking".put_back(
  worker uuid, completions jsonb,
  out ids uuid[], out resources text[], out modes "tasking".reservation_mode[], out positions bigint[],
  out orphans uuid[]
)
language plpgsql
as $$
declare
  moment constant timestamptz := clock_timestamp();
begin
  with sent as materialized (
    select c.*
      from jsonb_to_recordset(completions) as c (
             id uuid, "fencingToken" bigint, state text, error jsonb, "delayMs" float8, "keepPlace" boolean
           )
     where c.state in ('retry', 'orphan')
  ), again as (
    update "tasking".task as t
       set state = (case
                      when own.fate = 'again' then 'scheduled'
                      when own.fate = 'orphan' then 'waiting'
                      when own.canceling then 'canceled'
                      else 'failed'
                    end)::"tasking".task_state,
           ends_as = case
                       when own.fate <> 'orphan' then t.ends_as
                       when own.canceling then 'canceled'
                       else 'failed'
                     end,
           error = case when t.ends_as is null then c.error else t.error end,
           finished_at = case when own.fate = 'end' then moment end,
           run_at = case
                      when own.fate = 'again' then moment + c."delayMs" * interval '1 millisecond'
                      else t.run_at
                    end,
           attempt = case when own.fate = 'again' then t.attempt + 1 else t.attempt end,
           worker_id = case when own.fate = 'end' then t.worker_id end,
           fencing_token = case when own.fate = 'end' then t.fencing_token end,
           started_at = case when own.fate <> 'again' then t.started_at end,
           -- One of a group stays in its line, or the finalizer would not wait for it.
           unblocked_at = case
                            when own.fate = 'orphan' then moment
                            when own.fate = 'end' or c."keepPlace" or t.group_id is not null
                              then t.unblocked_at
                          end
      from sent as c
     cross join lateral (
       select held.ctid, held.state = 'canceling' as canceling,
              case
                when held.ends_as is not null or held.state = 'canceling' and c.state = 'retry' then 'end'
                when c.state = 'retry' then 'again'
                when "tasking".can_clean_up(held) and exists (
                  select from "tasking".created_resource as r
                   where r.task_id = held.id and r.state = 'incomplete'
                ) then 'orphan'
                else 'end'
              end as fate
         from "tasking".task as held
        where held.id = c.id
          and held.worker_id is not distinct from worker
          and held.fencing_token = c."fencingToken"
          and held.state::text = any ('{running,canceling}')
        limit 1
          for no key update skip locked
     ) as own
     where t.ctid = own.ctid
    returning t.id, t.position, t.exclusive, t.shared, t.counted, own.fate,
              own.fate = 'end' or t.unblocked_at is null as leaves
  ), place as (
    select a.position, r.resource, r.mode
      from again as a
     cross join lateral "tasking".places(a.exclusive, a.shared, a.counted) as r
     where a.leaves
  )
  select coalesce((select array_agg(a.id) from again as a), '{}'), array_agg(p.resource),
         array_agg(p.mode), array_agg(p.position),
         coalesce((select array_agg(a.id) filter (where a.fate = 'orphan') from again as a), '{}')
    into ids, resources, modes, positions, orphans
    from place as p;
end
$$;
--> statement-breakpoint

-- One turn of a worker's loop: finish what has ended, release, look, claim into the free slots.
-- Separate statements of one transaction, each with its own snapshot: finishing and claiming in a
-- single statement deadlocks, since SKIP LOCKED waits where the snapshot is older than a claim.
-- `known` is null but after a turn whose answer was lost: then whatever else the worker owns was
-- claimed by that turn, and is handed over again with a new fencing token. `floors` says for each
-- queue where its claim begins. What has completed or failed comes by columns, since that costs less:
-- `done`, their `tokens` and `results`, whether they have `failed`, and `errors` (none if all are null or
-- false), and which of them are `stored` by their handlers' own transactions. What is to be put back
-- comes in `completions`.
create function "tasking".turn(
  worker uuid, slots int, completions jsonb, pending jsonb, known jsonb, floors jsonb default null,
  done uuid[] default '{}', tokens bigint[] default '{}', results jsonb default '[]',
  failed boolean[] default '{}', errors jsonb default '[]', stored uuid[] default '{}'
)
returns json
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  queues text[];
  task_names text[];
  moment constant timestamptz := clock_timestamp();
  sent constant int := cardinality(done) + jsonb_array_length(completions);
  held uuid[];
  finished uuid[];
  stands "tasking".stand[];
  resources text[];
  modes "tasking".reservation_mode[];
  positions bigint[];
  refused jsonb := '[]';
  unsettled jsonb := '[]';
  freed uuid[] := '{}';
  orphans uuid[] := '{}';
  looks jsonb := '[]';
  queue_name text;
  left_over int := slots;
  batch record;
  forgotten uuid[];
  claimed json[] := '{}';
  canceling jsonb;
  look_ms real := 0;
  next_floors jsonb := '[]';
  next_due_ms bigint;
begin
  select coalesce(a.serving, a.queues), coalesce(a.claim_names, a.task_names) into queues, task_names
    from "tasking".app_status as a
   where a.id = worker
     and a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > moment;
  if not found then
    raise exception 'worker % is not registered', worker using errcode = 'TK001';
  end if;

  if sent > 0 then
    -- Nobody is waited for here: a row that somebody else's transaction holds (a handler's own, or a
    -- dispatch that replaces) is asked for again with the next turn.
    with ended as (
      update "tasking".task as t
         set state = (case
                        when t.state = 'canceling' then 'canceled'
                        when c.failed or t.ends_as is not null then 'failed'
                        else 'completed'
                      end)::"tasking".task_state,
             result = case
                        when t.state <> 'canceling' and t.ends_as is null then nullif(c.result, 'null')
                      end,
             -- An orphan ends as was said, whatever came of its clean-up.
             error = case when t.ends_as is null then nullif(c.error, 'null') else t.error end,
             finished_at = moment
        from rows from (
               unnest(done, tokens, failed), jsonb_array_elements(results), jsonb_array_elements(errors)
             ) as c (id, token, failed, result, error)
       cross join lateral (
         select held.ctid
           from "tasking".task as held
          where held.id = c.id
            -- Not "=": by the index of owners, each end would be compared with all that it owns.
            and held.worker_id is not distinct from worker
            and held.fencing_token = c.token
            -- Not "in": that would offer the whole index of owned tasks to the planner.
            and held.state::text = any ('{running,canceling}')
          limit 1
            for no key update skip locked
       ) as own
       where t.ctid = own.ctid
      returning t.id,
                case
                  when t.exclusive <> '{}' or t.shared <> '{}' or t.counted is not null
                    then row(t.position, t.exclusive, t.shared, t.counted)::"tasking".stand
                end as stand
    )
    select array_agg(e.id), array_agg(e.stand) filter (where num_nonnulls(e.stand) > 0)
      into finished, stands
      from ended as e;
    if stands is not null then
      -- Not by "places", which would be called for each: three passes cost less.
      select array_agg(p.resource), array_agg(p.mode), array_agg(p.position)
        into resources, modes, positions
        from (
          select s.position, r.resource, 'exclusive'::"tasking".reservation_mode as mode
            from unnest(stands) as s cross join lateral unnest(s.exclusive) as r (resource)
          union all
          select s.position, r.resource, 'shared'
            from unnest(stands) as s cross join lateral unnest(s.shared) as r (resource)
           where s.shared <> '{}'
          union all
          select s.position, r.resource, 'counted'
            from unnest(stands) as s cross join lateral jsonb_to_recordset(s.counted) as r (resource text)
           where s.counted is not null
        ) as p;
    end if;
    if completions <> '[]' then
      select coalesce(finished, '{}') || r.ids, resources || r.names, modes || r.kinds,
             positions || r.places, r.orphans
        into finished, resources, modes, positions, orphans
        from "tasking".put_back(worker, completions) as r (ids, names, kinds, places, orphans);
    end if;
    if coalesce(cardinality(finished), 0) < sent then
      completions := completions || coalesce((
        select jsonb_agg(jsonb_build_object(
                 'id', c.id, 'fencingToken', c.token, 'inTransaction', c.id = any (stored)
               ))
          from unnest(done, tokens) as c (id, token)
      ), '[]');
      -- What a handler has stored in its own transaction stands, and is released in the eyes of the
      -- others only now.
      held := array(
        select t.id
          from "tasking".task as t
         where t.id = any (array(select (c.value ->> 'id')::uuid from jsonb_array_elements(completions) as c))
           and t.id <> all (coalesce(finished, '{}'))
           and t.worker_id is not distinct from worker
           for no key update skip locked
      );
      with rest as (
        select c.id, t.exclusive, t.shared, t.counted,
               case
                 when t.id is null then 'refused'
                 when t.state in ('running', 'canceling') then 'unsettled'
                 when not t.id = any (held) then case when c."inTransaction" then 'unsettled' else 'refused' end
                 when c."inTransaction" and t.state = 'completed' then 'settled'
                 else 'refused'
               end as outcome
          from jsonb_to_recordset(completions) as c (
                 id uuid, "fencingToken" bigint, "inTransaction" boolean
               )
          -- Not a plain join: where there was little when it was planned, that reads all tasks.
          left join lateral (
            select own.id, own.state, own.exclusive, own.shared, own.counted
              from "tasking".task as own
             where own.id = c.id
               and own.worker_id is not distinct from worker
               and own.fencing_token = c."fencingToken"
             limit 1
          ) as t on true
         where c.id <> all (coalesce(finished, '{}'))
      )
      select coalesce(jsonb_agg(r.id) filter (where r.outcome = 'refused'), '[]'),
             coalesce(jsonb_agg(r.id) filter (where r.outcome = 'unsettled'), '[]'),
             pending || coalesce((
               select jsonb_agg(jsonb_build_object('resource', p.resource, 'mode', p.mode, 'inFlight', true))
                 from rest as s
                cross join lateral "tasking".places(s.exclusive, s.shared, s.counted) as p
                where s.outcome = 'settled'
             ), '[]')
        into refused, unsettled, pending
        from rest as r;
    end if;
  end if;

  if resources is not null or pending <> '[]' then
    select r.freed, r.looks into freed, looks
      from "tasking".release(resources, modes, positions, pending) as r;
  end if;
  freed := freed || orphans;

  if known is not null then
    forgotten := array(
      select t.id
        from "tasking".task as t
       where t.worker_id = worker
         and t.state in ('running', 'canceling')
         and not known ? t.id::text
         for no key update
    );
    if forgotten <> '{}' then
      claimed := array["tasking".hand_over(forgotten, worker, moment)];
      left_over := left_over - cardinality(forgotten);
    end if;
  end if;

  foreach queue_name in array queues loop
    exit when left_over <= 0;
    batch := "tasking".claim(
      worker, queue_name, task_names, left_over, clock_timestamp(), floors -> queue_name, freed
    );
    if batch.tasks > 0 then
      left_over := left_over - batch.tasks;
      claimed := claimed || batch.claimed;
    end if;
    look_ms := look_ms + batch.look_ms;
    next_floors := next_floors || coalesce(batch.next_floors, '[]');
  end loop;

  select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'reason', t.cancel_reason)), '[]')
    into canceling
    from "tasking".task as t
   where t.worker_id = worker and t.state = 'canceling';

  -- Whoever has nothing to do can look out for what will be due.
  if cardinality(claimed) = 0 and sent = 0 then
    next_due_ms := "tasking".next_due_ms();
  end if;

  return json_build_object(
    'claimed', claimed, 'refused', refused, 'unsettled', unsettled, 'canceling', canceling, 'looks', looks,
    'unblocked', to_jsonb(freed), 'lookMs', look_ms, 'floors', next_floors,
    'nextDueMs', next_due_ms
  );
end
$$;
--> statement-breakpoint

-- Completes a task within its handler's own transaction. Its places in line go with it, but nobody is
-- unblocked here: the worker's next turn looks at the lines, after this transaction's commit. Says
-- what stood in the way: `canceling` or, if the task isn't its own, `lost`.
create function "tasking".complete(task_id uuid, worker uuid, token bigint, result jsonb)
returns table (obstacle text, reason text)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  found "tasking".task%rowtype;
  new_result constant jsonb := result;
  place text;
begin
  select t.* into found
    from "tasking".task as t
   where t.id = task_id
     and t.worker_id is not distinct from worker
     and t.fencing_token = token
     and t.state in ('running', 'canceling')
     and t.ends_as is null
     for no key update;
  if found.id is null or found.state = 'canceling' then
    obstacle := case when found.id is null then 'lost' else 'canceling' end;
    reason := found.cancel_reason;
    return next;
    return;
  end if;
  update "tasking".task as t
     set state = 'completed', result = new_result, error = null, finished_at = clock_timestamp()
   where t.id = task_id;
  -- One by one: a join may be planned as a scan of the whole index, when that is small.
  for place in select p.resource from "tasking".places(found.exclusive, found.shared, found.counted) as p loop
    delete from "tasking".reservation as r
     where r.resource = place and r.position = found.position;
  end loop;
  return next;
end
$$;
--> statement-breakpoint

-- Cancels a task that isn't running, or asks a running one to stop. An orphan is canceled after its
-- clean-up, where somebody can do that. Says what state it found (null: no such task) and left, and
-- what to look at again.
create function "tasking".cancel(task_id uuid, reason text)
returns table (
  found_state "tasking".task_state, state "tasking".task_state, unblocked int, looks jsonb
)
language plpgsql
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := clock_timestamp();
  found "tasking".task%rowtype;
  resources text[];
  modes "tasking".reservation_mode[];
begin
  unblocked := 0;
  looks := '[]';
  -- Waits for a claim or a finish under way, so that what it says is what stands.
  select t.* into found from "tasking".task as t where t.id = task_id for no key update;
  found_state := found.state;
  state := found.state;
  if found.ends_as = 'canceled' then
    -- The first request stands.
    reason := found.cancel_reason;
  end if;
  if found.state = 'waiting' and found.ends_as is not null and "tasking".can_clean_up(found) then
    update "tasking".task as t
       set ends_as = 'canceled', cancel_reason = reason
     where t.id = task_id and t.ends_as <> 'canceled';
  elsif found.state in ('scheduled', 'waiting') then
    state := 'canceled';
    update "tasking".task as t
       set state = 'canceled', finished_at = moment, cancel_reason = reason
     where t.id = task_id;
    -- What isn't due stands in no line, unless it has kept its places.
    if found.state = 'waiting' or found.unblocked_at is not null then
      select array_agg(p.resource), array_agg(p.mode)
        into resources, modes
        from "tasking".places(found.exclusive, found.shared, found.counted) as p;
    end if;
    if resources is not null then
      select cardinality(r.freed), r.looks into unblocked, looks
        from "tasking".release(
               resources, modes, array_fill(found.position, array[cardinality(resources)]), '[]'
             ) as r;
    end if;
  elsif found.state = 'running' then
    state := 'canceling';
    update "tasking".task as t
       set state = 'canceling', cancel_reason = reason
     where t.id = task_id;
  end if;
  return next;
end
$$;
--> statement-breakpoint

-- Writes how far tasks have come, where they are the worker's: by its id and the token of the claim,
-- which stay with a task that it has ended. Says which ones are not.
create function "tasking".report_progress(worker uuid, reports jsonb) returns uuid[]
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
declare
  moment constant timestamptz := clock_timestamp();
  refused uuid[];
begin
  with sent as materialized (
    select s.*
      from jsonb_to_recordset(reports) as s (
             id uuid, "fencingToken" bigint, code text, message text, done float8, total float8, suffix text
           )
  ), judged as materialized (
    select s.*, (
             select t.worker_id is not distinct from worker and t.fencing_token = s."fencingToken"
               from "tasking".task as t
              where t.id = s.id
           ) is true as own
      from sent as s
  ), written as (
    insert into "tasking".progress_report as p (
      task_id, code, message, done, total, suffix, fencing_token, started_at, updated_at
    )
    select j.id, j.code, j.message, j.done, j.total, j.suffix, j."fencingToken", moment, moment
      from judged as j
     where j.own
     order by j.id, j.code
        on conflict (task_id, code) do update
       set message = excluded.message, done = excluded.done, total = excluded.total,
           suffix = excluded.suffix, fencing_token = excluded.fencing_token,
           updated_at = excluded.updated_at
     -- The task may have been given away between the judgement and this.
     where p.fencing_token <= excluded.fencing_token
  )
  select coalesce(array_agg(distinct j.id) filter (where not j.own), '{}') into refused
    from judged as j;
  return refused;
end
$$;
--> statement-breakpoint

-- Closes a group: whoever dispatches into it has committed by then, or will be refused. Says whether
-- there is one.
create function "tasking".close_group(group_id uuid) returns boolean
language plpgsql
set enable_seqscan = off set jit = off
as $$
begin
  perform "tasking".lock_names(array['group:' || group_id], '{true}');
  update "tasking".task_group as g
     set closed_at = coalesce(g.closed_at, clock_timestamp())
   where g.id = group_id;
  return found;
end
$$;
--> statement-breakpoint

-- Cancels some of the tasks of a group: first those that wait, so that none of them begins because
-- another was canceled. Says which are asked to stop or wait for their clean-up, and whether there may
-- be more.
create function "tasking".cancel_members(group_id uuid, reason text, most int)
returns table (canceled int, canceling uuid[], unblocked int, looks jsonb, more boolean)
language plpgsql
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_variable
declare
  member record;
  outcome record;
begin
  canceled := 0;
  canceling := '{}';
  unblocked := 0;
  looks := '[]';
  more := false;
  for member in
    select t.id, t.state
      from "tasking".task as t
     where t.group_id = group_id and t.state in ('scheduled', 'waiting', 'running')
       -- One that waits for its clean-up to be canceled then.
       and t.ends_as is distinct from 'canceled'
     order by t.state, t.position desc
     limit most
  loop
    -- The row of one that runs may be waited for, so not with the dispatch locks of others in hand.
    exit when member.state = 'running' and canceled > 0;
    select c.* into outcome from "tasking".cancel(member.id, reason) as c;
    if outcome.found_state <> outcome.state and outcome.state = 'canceled' then
      canceled := canceled + 1;
    elsif outcome.found_state in ('waiting', 'running') then
      canceling := canceling || member.id;
    end if;
    unblocked := unblocked + outcome.unblocked;
    looks := looks || outcome.looks;
    more := true;
  end loop;
  return next;
end
$$;
--> statement-breakpoint

-- In how many milliseconds a task is to be tried again whose worker is no more; null if it isn't.
create function "tasking".recovery_ms(t "tasking".task) returns float8
language sql immutable
as $$
  select case
           when t.state = 'running' and t.ends_as is null
                and t.attempt <= (t.options #>> '{recovery,limit}')::int
             then coalesce((
               select d.ms::float8
                 from jsonb_array_elements_text(t.options #> '{recovery,delaysMs}')
                      with ordinality as d (ms, nth)
                where d.nth <= t.attempt
                order by d.nth desc
                limit 1
             ), 0)
         end
$$;
--> statement-breakpoint

-- Gives up the places in line of tasks that have ended or were put off by this transaction, and looks at
-- what that frees.
create function "tasking".give_up_places(ids uuid[], out unblocked int, out looks jsonb)
language plpgsql
as $$
#variable_conflict use_column
declare
  resources text[];
  modes "tasking".reservation_mode[];
  positions bigint[];
begin
  unblocked := 0;
  looks := '[]';
  select array_agg(p.resource), array_agg(p.mode), array_agg(t.position)
    into resources, modes, positions
    from "tasking".task as t
   cross join lateral "tasking".places(t.exclusive, t.shared, t.counted) as p
   where t.id = any (ids);
  if resources is not null then
    select cardinality(r.freed), r.looks into unblocked, looks
      from "tasking".release(resources, modes, positions, '[]') as r;
  end if;
end
$$;
--> statement-breakpoint

-- Forgets a worker that is no more, and ends its tasks, puts them off as their dispatch has said, or
-- leaves them as orphans: they keep their places, so that a worker cleans up what is incomplete while
-- nobody else has their resources, and end then. That once only, since the clean-up may be what their
-- worker died of.
create function "tasking".lose_worker(worker uuid, failure jsonb)
returns table (lost int, unblocked int, looks jsonb)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := clock_timestamp();
  ids uuid[];
  delays float8[];
  orphans boolean[];
  leaving uuid[];
begin
  unblocked := 0;
  looks := '[]';
  delete from "tasking".app_status as a where a.id = worker;
  -- A row that its handler's own transaction holds is left: that may complete it yet. If not, it has
  -- an owner whom nobody knows, and is ended like that. The new token tells a late owner from it.
  select array_agg(h.id), array_agg("tasking".recovery_ms(h.task)),
         array_agg(
           (h.task).ends_as is null
           and "tasking".recovery_ms(h.task) is null
           and exists (
             select from "tasking".created_resource as c where c.task_id = h.id and c.state = 'incomplete'
           )
           and "tasking".can_clean_up(h.task)
         )
    into ids, delays, orphans
    from (
      select o.id, o as task
        from "tasking".task as o
       where o.worker_id = worker and o.state in ('running', 'canceling')
         for no key update skip locked
    ) as h;
  lost := coalesce(cardinality(ids), 0);
  if lost = 0 then
    return next;
    return;
  end if;
  with ended as (
    update "tasking".task as t
       set state = (case
                      when h.orphaned then 'waiting'
                      when t.state = 'canceling' then 'canceled'
                      when h.delay_ms is not null then 'scheduled'
                      else 'failed'
                    end)::"tasking".task_state,
           ends_as = case
                       when not h.orphaned then t.ends_as
                       when t.state = 'canceling' then 'canceled'
                       else 'failed'
                     end,
           error = case when t.ends_as is null then failure else t.error end,
           finished_at = case when h.ends then moment end,
           fencing_token = case when h.ends then nextval('"tasking".fencing_token') end,
           worker_id = case when h.ends then t.worker_id end,
           started_at = case when h.delay_ms is null then t.started_at end,
           run_at = case
                      when h.delay_ms is null then t.run_at
                      else moment + h.delay_ms * interval '1 millisecond'
                    end,
           attempt = case when h.delay_ms is null then t.attempt else t.attempt + 1 end,
           unblocked_at = case
                            when h.orphaned then moment
                            when h.delay_ms is null or t.group_id is not null
                                 or (t.options #>> '{recovery,keepPlace}')::boolean
                              then t.unblocked_at
                          end
      from (
             select u.*, u.delay_ms is null and not u.orphaned as ends
               from unnest(ids, delays, orphans) as u (id, delay_ms, orphaned)
           ) as h
     where t.id = h.id
    returning t.id, h.ends or t.unblocked_at is null as leaves
  )
  select array_agg(e.id) filter (where e.leaves) into leaving from ended as e;
  select g.unblocked, g.looks into unblocked, looks from "tasking".give_up_places(leaving) as g;
  -- Those are to be claimed, too.
  unblocked := unblocked + cardinality(array_positions(orphans, true));
  return next;
end
$$;
--> statement-breakpoint

-- Ends the orphans that no living worker cleans up after any more.
create function "tasking".abandon_orphans()
returns table (unblocked int, looks jsonb)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  leaving uuid[];
begin
  with ended as (
    update "tasking".task as t
       set state = t.ends_as, finished_at = clock_timestamp()
     where t.id = any (array(
             select o.id
               from "tasking".task as o
              where o.ends_as is not null and o.state = 'waiting' and not "tasking".can_clean_up(o)
                for no key update skip locked
           ))
    returning t.id
  )
  select array_agg(e.id) into leaving from ended as e;
  select g.unblocked, g.looks into unblocked, looks from "tasking".give_up_places(leaving) as g;
  return next;
end
$$;
--> statement-breakpoint

-- Remembers what tasks require that nobody has told of: those of a dispatch in plain SQL, which may be
-- part of a long transaction and so can't keep others waiting, or of a schedule. The workers hear of
-- it with their next beat. Forgets what nobody has asked for since yesterday and nothing needs, since
-- each requirement is one more place where those who fulfil it look for tasks.
create function "tasking".tend_requirements() returns void
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
begin
  insert into "tasking".requirement (name, requires, asked_at)
  with recursive needed as (
    (select t.name, t.options -> 'requires' as requires, t.name || chr(31) || (t.options ->> 'requires') as key
       from "tasking".task as t
      where (t.options ->> 'requires') is not null and t.state in ('scheduled', 'waiting')
      order by t.name || chr(31) || (t.options ->> 'requires')
      limit 1)
    union all
    select next.*
      from needed as n
     cross join lateral (
       select t.name, t.options -> 'requires', t.name || chr(31) || (t.options ->> 'requires')
         from "tasking".task as t
        where (t.options ->> 'requires') is not null and t.state in ('scheduled', 'waiting')
          and t.name || chr(31) || (t.options ->> 'requires') > n.key
        order by t.name || chr(31) || (t.options ->> 'requires')
        limit 1
     ) as next
  )
  select n.name, n.requires, clock_timestamp()
    from needed as n
   where not exists (
           select from "tasking".requirement as r
            where r.name = n.name and r.requires = n.requires
         )
   order by n.name, n.requires
      on conflict do nothing;

  delete from "tasking".requirement as r
   where r.ctid = any (array(
           select old.ctid
             from "tasking".requirement as old
            where old.asked_at < clock_timestamp() - interval '1 day'
              and not exists (
                    select from "tasking".task as t
                     where (t.options ->> 'requires') is not null
                       and t.state in ('scheduled', 'waiting')
                       and t.name || chr(31) || (t.options ->> 'requires')
                           = old.name || chr(31) || old.requires::text
                  )
              and not exists (
                    select from "tasking".schedule as s
                     where s.task ->> 'name' = old.name
                       and s.task #> '{options,requires}' = old.requires
                  )
              for update skip locked
         ));
end
$$;
--> statement-breakpoint

-- What somebody does now and then for all, one at a time: ends the tasks of workers that have gone
-- missing, and orphans that nobody cleans up after, tends what is required, and looks at every line for
-- wake-ups that were lost with a process between its commit and its second look. It reads the heads of
-- the lines only, not the tasks behind them.
create function "tasking".housekeep(sweep boolean)
returns jsonb
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := clock_timestamp();
  gone record;
  outcome record;
  missing jsonb := '[]';
  lost int := 0;
  unblocked int := 0;
  looks jsonb := '[]';
  resources text[];
begin
  if not pg_try_advisory_xact_lock(hashtextextended('housekeeping of "tasking"', 1)) then
    return jsonb_build_object(
      'done', false, 'missing', missing, 'lost', 0, 'unblocked', 0, 'looks', looks,
      'nextDueMs', "tasking".next_due_ms()
    );
  end if;

  -- Before any worker's row is locked: whoever tells of a requirement waits for those.
  perform "tasking".tend_requirements();

  for gone in
    select a.id, a.name
      from "tasking".app_status as a
     where a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' <= moment
       for update skip locked
    loop
    select * into outcome from "tasking".lose_worker(gone.id, jsonb_build_object(
      'name', 'WorkerMissingError',
      'code', 'worker_missing',
      'message', format('Worker "%s" has gone missing.', gone.name)
    ));
    missing := missing || to_jsonb(gone.id);
    lost := lost + outcome.lost;
    unblocked := unblocked + outcome.unblocked;
    looks := looks || outcome.looks;
  end loop;

  -- A claim that crossed the removal of its worker leaves tasks whose owner nobody knows.
  for gone in
    with recursive owner as (
      (select t.worker_id
         from "tasking".task as t
        where t.state in ('running', 'canceling')
        order by t.worker_id limit 1)
      union all
      select (
        select t.worker_id
          from "tasking".task as t
         where t.state in ('running', 'canceling') and t.worker_id > o.worker_id
         order by t.worker_id limit 1
      ) from owner as o where o.worker_id is not null
    )
    select o.worker_id as id
      from owner as o
     where o.worker_id is not null
       and not exists (select from "tasking".app_status as a where a.id = o.worker_id)
  loop
    select * into outcome from "tasking".lose_worker(gone.id, jsonb_build_object(
      'name', 'WorkerMissingError',
      'code', 'worker_missing',
      'message', format('Worker %s has gone missing.', gone.id)
    ));
    lost := lost + outcome.lost;
    unblocked := unblocked + outcome.unblocked;
    looks := looks || outcome.looks;
  end loop;

  select * into outcome from "tasking".abandon_orphans();
  unblocked := unblocked + outcome.unblocked;
  looks := looks || outcome.looks;

  if sweep then
    with recursive line as (
      (select r.resource from "tasking".reservation as r order by r.resource limit 1)
      union all
      select (
        select r.resource
          from "tasking".reservation as r
         where r.resource > l.resource
         order by r.resource limit 1
      ) from line as l where l.resource is not null
    )
    select array_agg(l.resource) into resources from line as l where l.resource is not null;
    if resources is not null then
      select u.* into outcome
        from "tasking".unblock(
               resources,
               array_fill('exclusive'::"tasking".reservation_mode, array[cardinality(resources)]),
               array_fill('second'::text, array[cardinality(resources)])
             ) as u;
      unblocked := unblocked + cardinality(outcome.freed);
      looks := looks || outcome.looks;
    end if;
  end if;

  return jsonb_build_object(
    'done', true, 'missing', missing, 'lost', lost, 'unblocked', unblocked, 'looks', looks,
    'nextDueMs', "tasking".next_due_ms()
  );
end
$$;
--> statement-breakpoint

-- Takes the dispatch locks of a set of names, as `lock_names` does, without waiting for any. Says
-- whether it has them all.
create function "tasking".try_names(names text[], alones boolean[]) returns boolean
language plpgsql
as $$
declare
  gate constant bigint := "tasking".lock_key('');
begin
  if cardinality(names) > "tasking".most_names() then
    return pg_try_advisory_xact_lock(gate);
  elsif not pg_try_advisory_xact_lock_shared(gate) then
    return false;
  end if;
  return (
    select coalesce(bool_and(
             case
               when wanted.alone then pg_try_advisory_xact_lock(wanted.key)
               else pg_try_advisory_xact_lock_shared(wanted.key)
             end
           ), true)
      from (
        select "tasking".lock_key(each.name) as key, each.alone
          from unnest(names, alones) as each (name, alone)
        offset 0
      ) as wanted
  );
end
$$;
--> statement-breakpoint

-- Takes the dispatch locks of one task, waiting a little for them. Others that come later queue behind
-- a waiting lock, so that it gets its turn also where dispatchers come and go without a pause.
create function "tasking".await_names(names text[], alones boolean[]) returns boolean
language plpgsql
as $$
declare
  patience constant text := current_setting('lock_timeout');
begin
  perform set_config('lock_timeout', '200ms', true);
  perform "tasking".lock_names(names, alones);
  perform set_config('lock_timeout', patience, true);
  return true;
exception when lock_not_available then
  -- The setting went back with the exception, and the locks too.
  return false;
end
$$;
--> statement-breakpoint

-- Puts scheduled tasks that are due in line: a dispatch at this moment, in the order in which they
-- came due. Goes through those after a place in that order, in pieces, and says where to go on. No
-- piece waits for a lock, since a transaction that has dispatched may stay open for long, and all but
-- those in its lines can go on. What is left is tried again soon; of what was left for over a second,
-- the answer names one, by chance: that one alone is waited for, in a call of its own.
create function "tasking".promote(
  most int, after_time timestamptz, after_id uuid, left_over uuid default null
)
returns jsonb
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := clock_timestamp();
  most_locks constant int := "tasking".most_tries();
  locks int := 0;
  due record;
  names text[];
  alones boolean[];
  ready uuid[] := '{}';
  kept uuid[] := '{}';
  held boolean := false;
  old_one jsonb;
  old_ones int := 0;
  here jsonb;
  positions bigint[];
  free jsonb;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('promotion of "tasking"', 1)) then
    return '{"promoted": 0, "free": {}, "held": false, "leftOver": null, "next": null}'::jsonb;
  end if;

  for due in
    select t.id, t.run_at, t.unblocked_at is not null as has_kept, t.exclusive, t.shared, t.counted
      from "tasking".task as t
     where t.state = 'scheduled' and t.run_at <= moment
       and (t.run_at, t.id) > (after_time, after_id)
       and (left_over is null or t.id = left_over)
     order by t.run_at, t.id
     limit most
  loop
    here := jsonb_build_object('time', due.run_at, 'id', due.id);
    -- Nobody can have come before one that has kept its places.
    most := most - 1;
    if due.has_kept then
      kept := kept || due.id;
      continue;
    end if;
    select array_agg(r.resource), array_agg(r.mode <> 'shared') into names, alones
      from "tasking".places(due.exclusive, due.shared, due.counted) as r;
    if names is null
       or left_over is null and "tasking".try_names(names, alones)
       or left_over is not null and "tasking".await_names(names, alones)
    then
      ready := ready || due.id;
    else
      held := true;
      if due.run_at < moment - interval '1 second' then
        old_ones := old_ones + 1;
        old_one := case when random() * old_ones < 1 then here else old_one end;
      end if;
    end if;
    -- The table of locks is everybody's; the next piece takes others.
    locks := locks + coalesce(cardinality(names), 0);
    exit when locks >= most_locks;
  end loop;

  -- A statement of its own, so that it sees what the locks are for. Whoever holds a row may cancel it.
  select array_agg(f.id order by f.run_at, f.position) filter (where not f.has_kept),
         array_agg(f.id) filter (where f.has_kept)
    into ready, kept
    from (
      select t.id, t.run_at, t.position, t.unblocked_at is not null as has_kept
        from "tasking".task as t
       where t.id = any (ready || kept) and t.state = 'scheduled' and t.run_at <= moment
         for no key update skip locked
    ) as f;
  positions := array(
    select nextval('"tasking".position') from generate_series(1, cardinality(ready))
  );
  insert into "tasking".reservation (resource, position, mode, task_id, amount, capacity)
  select r.resource, e.position, r.mode, e.id, r.amount, r.capacity
    from unnest(ready, positions) as e (id, position)
   cross join lateral (
     select t.exclusive, t.shared, t.counted from "tasking".task as t where t.id = e.id limit 1
   ) as t
   cross join lateral "tasking".places(t.exclusive, t.shared, t.counted) as r;

  -- Again one of its own: it sees the places of all, those of this very piece too.
  with moved as (
    update "tasking".task as t
       set state = 'waiting', position = p.position,
           unblocked_at = case when p.is_free then clock_timestamp() end
      from (
        select e.id, e.position, "tasking".sees_all() and not b.blocked as is_free
          from unnest(ready, positions) as e (id, position)
         cross join lateral (
           select w.exclusive, w.shared, w.counted from "tasking".task as w where w.id = e.id limit 1
         ) as w
         cross join lateral "tasking".is_blocked(e.position, w.exclusive, w.shared, w.counted) as b
        union all
        select k.id, k.position, true
          from unnest(kept) as own (id)
         cross join lateral (
           select w.id, w.position from "tasking".task as w where w.id = own.id limit 1
         ) as k
      ) as p
     where t.id = p.id
    returning t.queue, t.unblocked_at is not null as is_free
  )
  select coalesce(jsonb_object_agg(q.queue, q.tasks), '{}') into free
    from (select m.queue, count(*) as tasks from moved as m where m.is_free group by m.queue) as q;

  return jsonb_build_object(
    'held', held, 'leftOver', old_one, 'free', free,
    'promoted', coalesce(cardinality(ready), 0) + coalesce(cardinality(kept), 0),
    'next', case when left_over is null and (most <= 0 or locks >= most_locks) then here end
  );
end
$$;
--> statement-breakpoint

-- Deletes the finished tasks of one state, or counts them: one batch, those dispatched first. `after` is
-- where the batch before it ended, `until` an id that nothing dispatched later has. Completed tasks
-- are most of the table, and found by their ids alone; the others have an index.
create function "tasking".purge(
  state "tasking".task_state, finished_before timestamptz, queue text, name text, after uuid, until uuid,
  most int, dry boolean,
  out purged int, out next uuid
)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_variable
declare
  looked uuid[];
  chosen uuid[];
  gone uuid[];
  left_groups uuid[];
begin
  if state = 'completed' then
    select array_agg(near.id order by near.id),
           array_agg(near.id) filter (
             where near.state = state and near.finished_at < finished_before
               and (queue is null or near.queue = queue) and (name is null or near.name = name)
           )
      into looked, chosen
      from (
        select t.id, t.state, t.finished_at, t.queue, t.name
          from "tasking".task as t
         where t.id > after and t.id < until
         order by t.id
         limit most
      ) as near;
  else
    select array_agg(near.id order by near.id),
           array_agg(near.id) filter (
             where near.finished_at < finished_before
               and (queue is null or near.queue = queue) and (name is null or near.name = name)
           )
      into looked, chosen
      from (
        select t.id, t.finished_at, t.queue, t.name
          from "tasking".task as t
         where t.state = state and t.state in ('failed', 'canceled', 'skipped')
           and t.id > after and t.id < until
         order by t.state, t.id
         limit most
      ) as near;
  end if;
  purged := coalesce(cardinality(chosen), 0);
  next := case when cardinality(looked) >= most then looked[most] end;
  if dry or purged = 0 then
    return;
  end if;
  -- Somebody else's purge is not waited for.
  with deleted as (
    delete from "tasking".task as t
     where t.id = any (array(
             select o.id from "tasking".task as o where o.id = any (chosen) for update skip locked
           ))
    returning t.id, t.group_id
  )
  select array_agg(d.id), array_agg(distinct d.group_id) filter (where d.group_id is not null)
    into gone, left_groups
    from deleted as d;
  purged := coalesce(cardinality(gone), 0);
  delete from "tasking".progress_report as p where p.task_id = any (gone);
  delete from "tasking".created_resource as c where c.task_id = any (gone);
  -- An open one may yet get tasks. Locked first, so that a finalizer that just came is seen.
  left_groups := array(
    select g.id from "tasking".task_group as g
     where g.id = any (left_groups) and g.closed_at is not null
       for update skip locked
  );
  delete from "tasking".task_group as g
   where g.id = any (left_groups)
     and not exists (select from "tasking".task as t where t.group_id = g.id);
end
$$;
--> statement-breakpoint

-- Which of its queues a worker may claim from; null for all of them, as is nearly always so. Volatile:
-- a beat that has waited for a pause to commit must see it.
create function "tasking".serving_of(queues text[]) returns text[]
language plpgsql volatile
as $$
#variable_conflict use_variable
begin
  if not exists (select from "tasking".paused_queue as p where p.queue = any (queues)) then
    return null;
  end if;
  return array(
    select q.queue
      from unnest(queues) with ordinality as q (queue, nth)
     where not exists (select from "tasking".paused_queue as p where p.queue = q.queue)
     order by q.nth
  );
end
$$;
--> statement-breakpoint

-- How many living workers claim tasks, and how many do housekeeping. All rows are read, which an index
-- would make dearer.
create function "tasking".fleet_strength(out fleet int, out housekeepers int)
language plpgsql stable
set enable_seqscan = on
as $$
declare
  lately constant timestamptz := now() - interval '15 seconds';
begin
  select count(*) filter (where a.concurrency > 0), count(*) filter (where not a.auxiliary)
    into fleet, housekeepers
    from "tasking".app_status as a
   -- For most of a large fleet it is enough to compare.
   where a.ttl_ms >= 15000 and a.last_heartbeat_at > lately
      or a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > now();
end
$$;
--> statement-breakpoint

-- Signs of life of workers that share a process. A function, since behind a pooler the planning of a
-- plain statement costs more than all of this. Of a large fleet not every beat of a single worker
-- counts it anew: that would be half of the cost.
create function "tasking".beat(workers uuid[])
returns table (worker uuid, alive boolean, fleet int, housekeepers int, owned int)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  large constant int := 200;
  beating uuid;
  known int;
  counts boolean := false;
  counted_fleet int;
  counted_housekeepers int;
begin
  -- In one order, or two that beat for the same workers could wait for each other.
  for beating in select w.id from unnest(workers) as w (id) order by w.id loop
    update "tasking".app_status as a
       set last_heartbeat_at = clock_timestamp(),
           -- Calling these for nothing would cost as much as all the rest.
           serving = case
             when a.serving is not null or exists (select from "tasking".paused_queue)
               then "tasking".serving_of(a.queues)
           end,
           claim_names = case
             when a.claim_names is not null or exists (select from "tasking".requirement)
               then "tasking".claim_names_of(a.task_names, a.versions)
           end
     where a.id = beating
    returning a.fleet into known;
    counts := counts or known is null or random() * known < large;
  end loop;
  if counts then
    select s.fleet, s.housekeepers into counted_fleet, counted_housekeepers
      from "tasking".fleet_strength() as s;
    update "tasking".app_status as a
       set fleet = case when counted_fleet > large then counted_fleet end,
           housekeepers = case when counted_fleet > large then counted_housekeepers end
     where a.id = any (workers) and (a.fleet is not null or counted_fleet > large);
  end if;
  return query
    select w.id, a.id is not null,
           coalesce(counted_fleet, a.fleet), coalesce(counted_housekeepers, a.housekeepers),
           (
             select count(*)::int
               from "tasking".task as t
              where t.worker_id = w.id and t.state in ('running', 'canceling')
           )
      from unnest(workers) as w (id)
      left join "tasking".app_status as a on a.id = w.id;
end
$$;
--> statement-breakpoint

-- Tells the workers that serve a queue which of theirs they may claim from now. Their rows are locked in
-- the order of heartbeats.
create function "tasking".tell_servers(queue text) returns void
language plpgsql
as $$
#variable_conflict use_variable
begin
  update "tasking".app_status as a
     set serving = "tasking".serving_of(a.queues)
    from (
           select w.id from "tasking".app_status as w
            where queue = any (w.queues)
            order by w.id
              for no key update
         ) as w
   where a.id = w.id;
end
$$;
--> statement-breakpoint

-- Pauses a queue: nothing more is claimed from it. Each worker's row says what it may claim from, so
-- that a turn has nothing to ask. A worker that registers meanwhile has it right with its first beat.
create function "tasking".pause_queue(queue text, reason text) returns void
language plpgsql
as $$
#variable_conflict use_variable
begin
  perform pg_advisory_xact_lock(hashtextextended('claims of "tasking"', 1));
  insert into "tasking".paused_queue as p (queue, paused_at, reason)
  values (queue, clock_timestamp(), reason)
  on conflict do nothing;
  perform "tasking".tell_servers(queue);
end
$$;
--> statement-breakpoint

create function "tasking".resume_queue(queue text) returns void
language plpgsql
as $$
#variable_conflict use_variable
begin
  perform pg_advisory_xact_lock(hashtextextended('claims of "tasking"', 1));
  delete from "tasking".paused_queue as p where p.queue = queue;
  perform "tasking".tell_servers(queue);
end
$$;
--> statement-breakpoint

-- What a worker claims by: the names of its tasks and, for each name, the requirements that it fulfils;
-- null for the names alone. A task with requirements stands apart in the index of claims, so that it
-- is in nobody's way who can't run it. Volatile for the same reason as `serving_of`, and in PL/pgSQL:
-- in plain SQL it was seen to go by the snapshot of its caller even so.
create function "tasking".claim_names_of(task_names text[], versions jsonb) returns text[]
language plpgsql volatile
as $$
#variable_conflict use_variable
begin
  return (
    select task_names || array_agg(r.name || chr(31) || r.requires::text)
      from "tasking".requirement as r
     where r.name = any (task_names) and "tasking".satisfies(versions, r.requires)
    having count(*) > 0
  );
end
$$;
--> statement-breakpoint

-- Which of these requirements nobody has asked for within the last hour.
create function "tasking".unheard(asked jsonb) returns table (name text, requires jsonb)
language sql volatile
as $$
  select distinct e.name, e.requires
    from jsonb_to_recordset(asked) as e (name text, requires jsonb)
   where not exists (
           select from "tasking".requirement as r
            where r.name = e.name and r.requires = e.requires
              and r.asked_at > clock_timestamp() - interval '1 hour'
         )
   order by e.name, e.requires
$$;
--> statement-breakpoint

-- Remembers what tasks require, and tells the workers that fulfil it.
create function "tasking".require_versions(asked jsonb) returns void
language plpgsql
as $$
#variable_conflict use_variable
begin
  if not exists (select from "tasking".unheard(asked)) then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('claims of "tasking"', 1));
  -- Whoever had the lock before may have done it.
  insert into "tasking".requirement (name, requires, asked_at)
  select u.name, u.requires, clock_timestamp() from "tasking".unheard(asked) as u
  on conflict (name, requires) do update set asked_at = excluded.asked_at;
  if not found then
    return;
  end if;
  update "tasking".app_status as a
     set claim_names = "tasking".claim_names_of(a.task_names, a.versions)
    from (
           select w.id from "tasking".app_status as w
            where exists (
                    select from jsonb_to_recordset(asked) as e (name text)
                     where e.name = any (w.task_names)
                  )
            order by w.id
              for no key update
         ) as w
   where a.id = w.id;
end
$$;
--> statement-breakpoint

-- How much there is to do, and how much is being done. Whatever the backlog, it reads no more than so
-- many: `most_kinds` queues, names and priorities of unblocked tasks, by skipping through the index of
-- claims; `most_each` tasks of each, those first in line; and `most_places` places in line.
create function "tasking".metrics(long_ms int, most_kinds int, most_each int, most_places int)
returns jsonb
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  moment constant timestamptz := clock_timestamp();
  queues jsonb;
  kinds int;
  fullest int;
  running int;
  blocked int;
  places int;
  fleet record;
begin
  with recursive kind as (
    (
      select t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name) as name,
             - t.priority as rank, 1 as nth
        from "tasking".task as t
       where t.state = 'waiting' and t.unblocked_at is not null
       order by t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name),
                 (- t.priority)
       limit 1
    )
    union all
    select next.queue, next.name, next.rank, k.nth + 1
      from kind as k
     cross join lateral (
       select t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name) as name,
             - t.priority as rank
         from "tasking".task as t
        where (t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name), - t.priority)
              > (k.queue, k.name, k.rank)
          and t.state = 'waiting' and t.unblocked_at is not null
        order by t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name),
                 (- t.priority)
        limit 1
     ) as next
     where k.nth < most_kinds
  ), counted as (
    select k.queue, count(*) as unblocked, min(ready.unblocked_at) as oldest,
           count(*) filter (
             where ready.unblocked_at < moment - long_ms * interval '1 millisecond'
           ) as waiting_long
      from kind as k
     cross join lateral (
       select t.unblocked_at
         from "tasking".task as t
        where t.queue = k.queue
          and coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name) = k.name and (- t.priority) = k.rank
          and t.state = 'waiting' and t.unblocked_at is not null
        order by t.queue, coalesce(t.name || chr(31) || (t.options ->> 'requires'), t.name),
                 (- t.priority), t.position
        limit most_each
     ) as ready
     group by k.queue, k.name, k.rank
  ), by_queue as (
    select c.queue, sum(c.unblocked) as unblocked, sum(c.waiting_long) as waiting_long,
           min(c.oldest) as oldest
      from counted as c
     group by c.queue
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'queue', q.queue, 'unblocked', q.unblocked, 'waitingLong', q.waiting_long,
           'longestMs', greatest(0, round(extract(epoch from moment - q.oldest) * 1000))
         ) order by q.queue collate "C"), '[]'),
         (select count(*) from kind), (select max(c.unblocked) from counted as c)
    into queues, kinds, fullest
    from by_queue as q;

  select count(*) into running from "tasking".task as t where t.state in ('running', 'canceling');

  select count(*) filter (where t.state = 'waiting' and t.unblocked_at is null), coalesce(sum(near.places), 0)
    into blocked, places
    from (
      select first.task_id, count(*) as places
        from (
          select r.task_id
            from "tasking".reservation as r
           order by r.resource, r.position
           limit most_places
        ) as first
       group by first.task_id
    ) as near
    join "tasking".task as t on t.id = near.task_id;

  select count(*) as workers, coalesce(sum(a.concurrency), 0) as slots
    into fleet
    from "tasking".app_status as a
   where a.concurrency > 0
     and a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > moment;

  return jsonb_build_object(
    'queues', queues, 'running', running, 'blocked', blocked, 'workers', fleet.workers,
    'slots', fleet.slots,
    'complete', kinds < most_kinds and coalesce(fullest, 0) < most_each and places < most_places
  );
end
$$;
--> statement-breakpoint

-- The first and the last position in a line that keep a task from going on there; null for none.
create function "tasking".blockers_at(
  resource text, mode "tasking".reservation_mode, amount int, capacity int, place bigint,
  out first bigint, out last bigint
)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_variable
declare
  counted_first bigint;
  counted_last bigint;
begin
  if mode = 'exclusive' then
    select min(r.position), max(r.position) into first, last
      from "tasking".reservation as r
     where r.resource = resource and r.position < place;
    return;
  end if;
  select min(r.position), max(r.position) into first, last
    from "tasking".reservation as r
   where r.resource = resource and r.mode = 'exclusive' and r.position < place;
  if mode = 'counted' and amount + "tasking".units_before(resource, place, capacity) > capacity then
    select min(r.position), max(r.position) into counted_first, counted_last
      from "tasking".reservation as r
     where r.resource = resource and r.mode = 'counted' and r.position < place;
    first := least(first, counted_first);
    last := greatest(last, counted_last);
  end if;
end
$$;
--> statement-breakpoint

-- Whoever stands at a position in a line, for people.
create function "tasking".stands_at(resource text, place bigint) returns jsonb
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_variable
begin
  return (
    select jsonb_build_object(
             'id', t.id, 'name', t.name, 'state', t.state,
             'mode', r.mode, 'amount', coalesce(r.amount, 0),
             'unblocked', t.unblocked_at is not null,
             'workerId', a.worker_id, 'workerName', a.name,
             'since', coalesce(t.started_at, t.dispatched_at)
           )
      from "tasking".reservation as r
      join "tasking".task as t on t.id = r.task_id
      left join lateral (
        select t.worker_id, (select w.name from "tasking".app_status as w where w.id = t.worker_id)
         where t.state in ('running', 'canceling')
      ) as a on true
     where r.resource = resource and r.position = place
  );
end
$$;
--> statement-breakpoint

-- The positions of the running tasks in a line, in their order. It asks each running task for its
-- place, since those are few and a line may be long.
create function "tasking".holders(resource text) returns setof bigint
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_variable
begin
  return query
  select t.position
    from "tasking".task as t
   cross join lateral (
     select from "tasking".reservation as r
      where r.resource = resource and r.position = t.position
      limit 1
   ) as own
   where t.state in ('running', 'canceling')
   order by t.position;
end
$$;
--> statement-breakpoint

-- Why a task is where it is: its places, the way to what it really waits for, and who could run it.
create function "tasking".explain(task_id uuid) returns jsonb
language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  most_holders constant int := 10;
  most_links constant int := 100;
  asked "tasking".task%rowtype;
  step "tasking".task%rowtype;
  found_place record;
  places jsonb := '[]';
  chain jsonb := '[]';
  workers jsonb;
begin
  select t.* into asked from "tasking".task as t where t.id = task_id;
  if asked.state in ('waiting', 'running', 'canceling')
     or asked.state = 'scheduled' and asked.unblocked_at is not null
  then
    select coalesce(jsonb_agg(jsonb_build_object(
             'resource', p.resource, 'mode', p.mode, 'amount', coalesce(p.amount, 0),
             'capacity', p.capacity,
             'place', (
               select count(*) from "tasking".reservation as r
                where r.resource = p.resource and r.position <= asked.position
             ),
             'blocked', b.first is not null,
             'holding', cardinality(held.positions),
             'holders', coalesce((
               select jsonb_agg("tasking".stands_at(p.resource, h) order by h)
                 from unnest(held.positions[:most_holders]) as h
             ), '[]'),
             'before', "tasking".stands_at(p.resource, b.last)
           ) order by p.ordinality), '[]')
      into places
      from "tasking".places(asked.exclusive, asked.shared, asked.counted)
           with ordinality as p (resource, mode, amount, capacity, ordinality)
     cross join lateral "tasking".blockers_at(
       p.resource, p.mode, p.amount, p.capacity, asked.position
     ) as b
     cross join lateral (select array(select "tasking".holders(p.resource)) as positions) as held;
  end if;

  -- Every step leads to a lower position, so it ends.
  step := asked;
  while step.state = 'waiting' and step.unblocked_at is null and jsonb_array_length(chain) < most_links
  loop
    select p.resource, b.first as position into found_place
      from "tasking".places(step.exclusive, step.shared, step.counted)
           with ordinality as p (resource, mode, amount, capacity, ordinality)
     cross join lateral "tasking".blockers_at(
       p.resource, p.mode, p.amount, p.capacity, step.position
     ) as b
     where b.first is not null
     order by b.first, p.ordinality
     limit 1;
    exit when not found;
    chain := chain || jsonb_build_object(
      'resource', found_place.resource,
      'task', "tasking".stands_at(found_place.resource, found_place.position)
    );
    select t.* into step
      from "tasking".reservation as r
      join "tasking".task as t on t.id = r.task_id
     where r.resource = found_place.resource and r.position = found_place.position;
  end loop;

  select jsonb_build_object(
           'serving', count(*),
           'freeSlots', coalesce(sum(greatest(0, a.concurrency - (
             select count(*) from "tasking".task as t
              where t.worker_id = a.id and t.state in ('running', 'canceling')
           ))), 0)
         )
    into workers
    from "tasking".app_status as a
   where a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > clock_timestamp()
     and asked.queue = any (coalesce(a.serving, a.queues))
     and coalesce(asked.name || chr(31) || (asked.options ->> 'requires'), asked.name)
         = any (coalesce(a.claim_names, a.task_names));
  return jsonb_build_object('places', places, 'chain', chain, 'workers', workers);
end
$$;
--> statement-breakpoint

-- The lines of all resources whose names begin so, or of the one of this name; the longest first.
create function "tasking".lines(prefix text, whole boolean, most int) returns jsonb
language plpgsql stable
set enable_seqscan = off set enable_mergejoin = off set enable_bitmapscan = off set jit = off
as $$
declare
  -- Bounds what is read by the index, also where the plan is made without knowing the name.
  last constant text := case
    when whole then prefix
    else (select max(r.resource) from "tasking".reservation as r)
  end;
begin
  return (
    with line as materialized (
      select r.resource, count(*) as length, min(r.position) as head
        from "tasking".reservation as r
       where r.resource between prefix and last and starts_with(r.resource, prefix)
       group by r.resource
       order by count(*) desc, r.resource
       limit most
    ), held as materialized (
      select p.resource, count(*) as running, coalesce(sum(p.amount), 0) as used
        from "tasking".task as t
       cross join lateral "tasking".places(t.exclusive, t.shared, t.counted) as p
       where t.state in ('running', 'canceling')
       group by p.resource
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'resource', l.resource, 'length', l.length,
             'running', coalesce(h.running, 0), 'waiting', l.length - coalesce(h.running, 0),
             'used', coalesce(h.used, 0),
             'capacity', (
               select max(r.capacity)
                 from "tasking".reservation as r
                where r.resource = l.resource and r.mode = 'counted'
             ),
             'oldest', (
               select t.dispatched_at
                 from "tasking".reservation as r
                 join "tasking".task as t on t.id = r.task_id
                where r.resource = l.resource and r.position = l.head
             )
           ) order by l.length desc, l.resource), '[]')
      from line as l
      left join held as h on h.resource = l.resource
  );
end
$$;
--> statement-breakpoint

-- The first of a line.
create function "tasking".head_of_line(resource text, most int) returns jsonb
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_variable
begin
  return (
    select coalesce(jsonb_agg("tasking".stands_at(resource, head.position) order by head.position), '[]')
      from (
        select r.position
          from "tasking".reservation as r
         where r.resource = resource
         order by r.resource, r.position
         limit most
      ) as head
  );
end
$$;

--> statement-breakpoint

-- Dispatches the task of a schedule: for its time, while it is as it was `seen` and not paused, or by
-- hand, where `seen` is null. Whoever is second for a time finds another revision, or a locked row.
--
-- Here a row is locked before the dispatch locks. That closes no cycle: firing passes over a locked
-- row, and whoever changes a schedule holds nothing else while it waits. A transaction that holds the
-- dispatch locks for long would hold the row up, and the worker that fires; so they are waited for
-- only shortly.
create function "tasking".fire_schedule(
  schedule text, own_id uuid, seen int, following timestamptz
)
returns table (outcome text, id uuid, blocked boolean, unblocked int, looks jsonb)
language plpgsql
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
declare
  patience constant text := current_setting('lock_timeout');
  found_row "tasking".schedule%rowtype;
begin
  unblocked := 0;
  looks := '[]';
  select s.* into found_row
    from "tasking".schedule as s
   where s.name = schedule
     and (seen is null or s.revision = seen and s.paused_at is null)
     for no key update skip locked;
  if not found then
    outcome := case
      when exists (
        select from "tasking".schedule as s
         where s.name = schedule and (seen is null or s.revision = seen and s.paused_at is null)
      ) then 'busy'
      else 'changed'
    end;
    return next;
    return;
  end if;

  select t.id into id
    from "tasking".task as t
   where t.id = found_row.last_task_id
     and t.state not in ('completed', 'failed', 'canceled', 'skipped');
  if found then
    outcome := 'unfinished';
    -- The only time of a single one isn't passed over: it waits.
    if seen is not null and following is not null then
      update "tasking".schedule as s
         set next_at = following, last_skipped_at = clock_timestamp(), revision = s.revision + 1
       where s.name = schedule;
    end if;
    return next;
    return;
  end if;

  begin
    perform set_config('lock_timeout', '500ms', true);
    select d.id, d.blocked, d.unblocked, coalesce(d.looks, '[]')
      into id, blocked, unblocked, looks
      from "tasking".dispatch_batch(jsonb_build_array(
             (found_row.task - 'resources') || (found_row.task -> 'resources')
               || jsonb_build_object('id', own_id)
           )) as d;
    perform set_config('lock_timeout', patience, true);
  exception when lock_not_available then
    -- The setting went back with the exception.
    outcome := 'busy';
    return next;
    return;
  end;
  outcome := 'fired';
  update "tasking".schedule as s
     set next_at = case when seen is null then s.next_at else following end,
         last_task_id = fire_schedule.id, last_fired_at = clock_timestamp(),
         revision = s.revision + 1
   where s.name = schedule;
  return next;
end
$$;
