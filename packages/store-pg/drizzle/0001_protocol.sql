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

-- Passes the gate exclusively. Whoever comes later queues behind a waiting lock, and somebody's
-- transaction may keep the gate shared for long; so it waits in short pieces and lets others pass
-- in between. In the end it waits plainly, for the deadlock detector to see it.
create function "tasking".lock_gate(gate bigint) returns void
language plpgsql
as $$
declare
  patience constant text := current_setting('lock_timeout');
begin
  for attempt in 1 .. 40 loop
    begin
      perform set_config('lock_timeout', '100ms', true);
      perform pg_advisory_xact_lock(gate);
      perform set_config('lock_timeout', patience, true);
      return;
    exception when lock_not_available then
      -- The setting went back with the exception.
      perform pg_sleep(0.05 + 0.1 * random());
    end;
  end loop;
  perform pg_advisory_xact_lock(gate);
end
$$;
--> statement-breakpoint

-- Takes the dispatch locks of a set of resources, in one order for everybody. The empty name is no
-- resource: it is the gate that every dispatch passes shared, and a large one exclusively in place
-- of its many resources, since PostgreSQL's table of locks is small and shared by all sessions.
create function "tasking".lock_resources(resources text[], exclusives boolean[]) returns void
language plpgsql
set enable_seqscan = off set jit = off
as $$
declare
  gate constant bigint := "tasking".lock_key('');
  most_locks constant int := 64;
  keys bigint[];
  modes boolean[];
begin
  select array_agg(key order by key), array_agg(exclusive order by key)
    into keys, modes
    from (
      select "tasking".lock_key(wanted.resource) as key, bool_or(wanted.exclusive) as exclusive
        from unnest(resources, exclusives) as wanted (resource, exclusive)
       group by 1
    ) as by_key;
  if cardinality(keys) > most_locks then
    perform "tasking".lock_gate(gate);
    return;
  end if;
  perform pg_advisory_xact_lock_shared(gate);
  for i in 1 .. cardinality(keys) loop
    if modes[i] then
      perform pg_advisory_xact_lock(keys[i]);
    else
      perform pg_advisory_xact_lock_shared(keys[i]);
    end if;
  end loop;
end
$$;
--> statement-breakpoint

-- Creates tasks: all or none, in line in the order given. An element of the batch has the keys
-- id, name, queue, priority, input, exclusive, shared, parentId.
create function "tasking".dispatch(batch jsonb)
returns table (id uuid, state "tasking".task_state, blocked boolean)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  resources text[];
  exclusives boolean[];
  ordinals int[];
  task_ids uuid[];
  positions bigint[];
  moment timestamptz;
  -- With a snapshot older than the locks, what stands before us can't be seen: such a dispatch
  -- says "blocked" to be safe, and the sweep finds out.
  sees_all constant boolean := current_setting('transaction_isolation') = 'read committed';
begin
  select array_agg(wanted.resource), array_agg(wanted.exclusive),
         array_agg(wanted.ordinal), array_agg(wanted.task_id)
    into resources, exclusives, ordinals, task_ids
    from (
      select r.resource, r.exclusive, t.ordinality::int as ordinal, (t.value ->> 'id')::uuid as task_id
        from jsonb_array_elements(batch) with ordinality as t
       cross join lateral (
         select jsonb_array_elements_text(t.value -> 'exclusive') as resource, true as exclusive
         union all
         select jsonb_array_elements_text(t.value -> 'shared'), false
       ) as r
    ) as wanted;

  if resources is not null then
    perform "tasking".lock_resources(resources, exclusives);
  end if;

  -- Only now, with the locks held: so the positions at a resource follow the order of commits.
  positions := array(
    select nextval('"tasking".position') from generate_series(1, jsonb_array_length(batch))
  );
  moment := clock_timestamp();

  if resources is not null then
    insert into "tasking".reservation (resource, position, exclusive, task_id)
    select wanted.resource, positions[wanted.ordinal], wanted.exclusive, wanted.task_id
      from unnest(resources, exclusives, ordinals, task_ids)
           as wanted (resource, exclusive, ordinal, task_id);
  end if;

  -- A statement of its own, so that it sees what the locks waited for and the batch's own places.
  return query
  insert into "tasking".task as t (
    id, name, state, queue, priority, position, exclusive, shared, parent_id,
    dispatched_at, unblocked_at, input
  )
  select n.id, n.name, 'waiting', n.queue, n.priority, positions[n.ordinal], n.exclusive, n.shared,
         n.parent_id, moment,
         case when n.blocked then null else moment end,
         n.input
    from (
      select (e.value ->> 'id')::uuid as id,
             e.value ->> 'name' as name,
             coalesce(e.value ->> 'queue', 'default') as queue,
             coalesce((e.value ->> 'priority')::int, 0) as priority,
             e.ordinality::int as ordinal,
             own.exclusive,
             own.shared,
             (e.value ->> 'parentId')::uuid as parent_id,
             e.value -> 'input' as input,
             (own.exclusive <> '{}' or own.shared <> '{}') and (
               not sees_all
               or exists (
                 select from unnest(own.exclusive) as mine (resource)
                  cross join lateral (
                    select from "tasking".reservation as ahead
                     where ahead.resource = mine.resource
                       and ahead.position < positions[e.ordinality]
                     limit 1
                  ) as found
               )
               or exists (
                 select from unnest(own.shared) as mine (resource)
                  cross join lateral (
                    select from "tasking".reservation as ahead
                     where ahead.resource = mine.resource
                       and ahead.exclusive
                       and ahead.position < positions[e.ordinality]
                     limit 1
                  ) as found
               )
             ) as blocked
        from jsonb_array_elements(batch) with ordinality as e
       cross join lateral (
         select array(select jsonb_array_elements_text(e.value -> 'exclusive')) as exclusive,
                array(select jsonb_array_elements_text(e.value -> 'shared')) as shared
       ) as own
    ) as n
  returning t.id, t.state, t.unblocked_at is null;
end
$$;
--> statement-breakpoint

-- Looks at the lines of some resources and unblocks whoever has no conflicting task before it any
-- more. `reasons` says why each is looked at:
--   released  its reservation goes with this very transaction
--   second    it went with an earlier one; two that ended at once may each have seen the other
--   inflight  a dispatcher that may have seen it as still there was in flight
-- Nothing here waits: a lock that isn't free means that somebody may yet change the picture, and
-- then the answer says that the resource must be looked at again, and when.
create function "tasking".unblock(
  resources text[], exclusives boolean[], reasons text[],
  out freed uuid[], out looks jsonb
)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  most_locks constant int := 64;
  gate_open boolean := null;
  key bigint;
  tries int := 0;
  -- For each resource, whether somebody is in flight there.
  inflight boolean[] := array_fill(false, array[cardinality(resources)]);
  free uuid[];
  still text[];
begin
  freed := '{}';
  looks := '[]';
  -- A statement of its own, before the snapshot of the check: whoever dispatches after this sees
  -- the release, and whoever dispatched before it is seen by the check. No more than a few, since
  -- the table of locks is shared by all: the rest is looked at again like what is in flight.
  for i in 1 .. cardinality(resources) loop
    continue when reasons[i] = 'second';
    if gate_open is null then
      gate_open := pg_try_advisory_xact_lock_shared("tasking".lock_key(''));
    end if;
    key := "tasking".lock_key(resources[i]);
    tries := tries + 1;
    if not gate_open
       or tries > most_locks
       or exclusives[i] and not pg_try_advisory_xact_lock(key)
       or not exclusives[i] and not pg_try_advisory_xact_lock_shared(key)
    then
      inflight[i] := true;
    end if;
  end loop;

  -- Candidates are the first exclusive reservation in line and, where an exclusive one went, the
  -- shared ones before it. Whoever stands behind those can't have been waiting for what went.
  with looked as materialized (
    select l.resource, l.exclusive, head.position, head.task_id
      from unnest(resources, exclusives) as l (resource, exclusive)
      left join lateral (
        select r.position, r.task_id
          from "tasking".reservation as r
         where r.resource = l.resource and r.exclusive
         order by r.resource, r.position
         limit 1
      ) as head on true
  ), candidate as materialized (
    select l.resource, l.task_id from looked as l where l.task_id is not null
    union all
    select l.resource, r.task_id
      from looked as l
      join "tasking".reservation as r
        on r.resource = l.resource
       and r.position < coalesce(l.position, 9223372036854775807)
       and not r.exclusive
     where l.exclusive
  ), checked as materialized (
    select c.resource, t.id,
           exists (
             select from unnest(t.exclusive) as mine (resource)
              cross join lateral (
                select from "tasking".reservation as ahead
                 where ahead.resource = mine.resource and ahead.position < t.position
                 limit 1
              ) as found
           )
           or exists (
             select from unnest(t.shared) as mine (resource)
              cross join lateral (
                select from "tasking".reservation as ahead
                 where ahead.resource = mine.resource
                   and ahead.exclusive
                   and ahead.position < t.position
                 limit 1
              ) as found
           ) as blocked
      from candidate as c
      join "tasking".task as t on t.id = c.task_id
     where t.state = 'waiting' and t.unblocked_at is null
  )
  select array_agg(distinct c.id) filter (where not c.blocked),
         array_agg(distinct c.resource) filter (where c.blocked)
    into free, still
    from checked as c;

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
                for no key update skip locked
           ))
      returning t.id
    )
    select coalesce(array_agg(u.id), '{}') into freed from unblocked as u;
    if cardinality(freed) < cardinality(free) then
      inflight := array_fill(true, array[cardinality(resources)]);
    end if;
  end if;

  select coalesce(jsonb_agg(jsonb_build_object(
           'resource', l.resource,
           'exclusive', l.exclusive,
           'inFlight', l.inflight
         )), '[]')
    into looks
    from unnest(resources, exclusives, reasons, inflight) as l (resource, exclusive, reason, inflight)
   where l.inflight or l.reason = 'released' and l.resource in (select unnest(still));
end
$$;
--> statement-breakpoint

-- Gives up the places in line of finished tasks, named by their resources and positions in
-- parallel arrays, and looks at what that frees and at what earlier calls left to look at.
create function "tasking".release(
  resources text[], exclusives boolean[], positions bigint[], pending jsonb,
  out freed uuid[], out looks jsonb
)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  names text[];
  modes boolean[];
  reasons text[];
begin
  if resources is not null then
    delete from "tasking".reservation as r
     using unnest(resources, positions) as gone (resource, position)
     where r.resource = gone.resource and r.position = gone.position;
  end if;
  select array_agg(due.resource), array_agg(due.exclusive), array_agg(due.reason)
    into names, modes, reasons
    from (
      select d.resource, bool_or(d.exclusive) as exclusive,
             case when bool_or(d.reason = 'released') then 'released' else min(d.reason) end as reason
        from (
          select gone.resource, gone.exclusive, 'released' as reason
            from unnest(resources, exclusives) as gone (resource, exclusive)
          union all
          select l ->> 'resource', (l ->> 'exclusive')::boolean,
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
    from "tasking".unblock(names, modes, reasons) as u;
end
$$;
--> statement-breakpoint

-- A task as its worker gets it.
create function "tasking".claim_document(t "tasking".task) returns jsonb
language sql stable
as $$
  select jsonb_build_object(
    'id', t.id,
    'name', t.name,
    'queue', t.queue,
    'input', t.input,
    'exclusive', t.exclusive,
    'shared', t.shared,
    'parentId', t.parent_id,
    'fencingToken', t.fencing_token::text
  )
$$;
--> statement-breakpoint

-- One turn of a worker's loop: finish what has ended, release, look, claim into the free slots.
-- Separate statements of one transaction, each with its own snapshot: finishing and claiming in a
-- single statement deadlocks, since SKIP LOCKED waits where the snapshot is older than a claim.
-- `known` is null but after a turn whose answer was lost: then whatever else the worker owns was
-- claimed by that turn, and is handed over again with a new fencing token.
create function "tasking".turn(
  worker uuid, slots int, completions jsonb, pending jsonb, known jsonb
)
returns jsonb
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  queues text[];
  task_names text[];
  moment constant timestamptz := clock_timestamp();
  finished uuid[];
  resources text[];
  exclusives boolean[];
  positions bigint[];
  refused jsonb := '[]';
  freed uuid[] := '{}';
  looks jsonb := '[]';
  queue_name text;
  left_over int := slots;
  batch jsonb;
  claimed jsonb := '[]';
  canceling jsonb;
begin
  select a.queues, a.task_names into queues, task_names
    from "tasking".app_status as a
   where a.id = worker
     and a.last_heartbeat_at + a.ttl_ms * interval '1 millisecond' > moment;
  if not found then
    raise exception 'worker % is not registered', worker using errcode = 'TK001';
  end if;

  if completions <> '[]' then
    with ended as (
      update "tasking".task as t
         set state = (case
                        when t.state = 'canceling' then 'canceled'
                        when c.state = 'completed' then 'completed'
                        else 'failed'
                      end)::"tasking".task_state,
             result = case when t.state = 'canceling' then null else c.result end,
             error = c.error,
             finished_at = moment
        from jsonb_to_recordset(completions) as c (
               id uuid, "fencingToken" bigint, state text, result jsonb, error jsonb
             )
       where t.id = c.id
         -- Not "=": by the index of owners, each end would be compared with all that it owns.
         and t.worker_id is not distinct from worker
         and t.fencing_token = c."fencingToken"
         and t.state in ('running', 'canceling')
      returning t.id, t.position, t.exclusive, t.shared
    ), place as (
      select e.position, r.resource, r.exclusive
        from ended as e
       cross join lateral (
         select unnest(e.exclusive) as resource, true as exclusive
         union all
         select unnest(e.shared), false
       ) as r
    )
    select (select array_agg(e.id) from ended as e), array_agg(p.resource), array_agg(p.exclusive),
           array_agg(p.position)
      into finished, resources, exclusives, positions
      from place as p;
    if coalesce(cardinality(finished), 0) < jsonb_array_length(completions) then
      select coalesce(jsonb_agg(c.value -> 'id'), '[]')
        into refused
        from jsonb_array_elements(completions) as c
       where (c.value ->> 'id')::uuid <> all (coalesce(finished, '{}'));
    end if;
  end if;

  if resources is not null or pending <> '[]' then
    select r.freed, r.looks into freed, looks
      from "tasking".release(resources, exclusives, positions, pending) as r;
  end if;

  if known is not null then
    with forgotten as (
      update "tasking".task as t
         set fencing_token = nextval('"tasking".fencing_token')
       where t.worker_id = worker
         and t.state in ('running', 'canceling')
         and not known ? t.id::text
      returning t as task
    )
    select coalesce(jsonb_agg("tasking".claim_document(f.task)), '[]') into claimed from forgotten as f;
    left_over := left_over - jsonb_array_length(claimed);
  end if;

  foreach queue_name in array queues loop
    exit when left_over <= 0;
    with taken as (
      update "tasking".task as t
         set state = 'running',
             worker_id = worker,
             fencing_token = nextval('"tasking".fencing_token'),
             started_at = moment
       where t.id = any (array(
               select c.id
                 from "tasking".task as c
                where c.queue = queue_name
                  and c.state = 'waiting'
                  and c.unblocked_at is not null
                  and c.name = any (task_names)
                order by c.priority desc, c.position
                limit left_over
                  for no key update skip locked
             ))
      returning t as task
    )
    select coalesce(
             jsonb_agg("tasking".claim_document(t.task) order by (t.task).priority desc, (t.task).position), '[]'
           )
      into batch
      from taken as t;
    left_over := left_over - jsonb_array_length(batch);
    claimed := claimed || batch;
  end loop;

  select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'reason', t.cancel_reason)), '[]')
    into canceling
    from "tasking".task as t
   where t.worker_id = worker and t.state = 'canceling';

  return jsonb_build_object(
    'claimed', claimed, 'refused', refused, 'canceling', canceling, 'looks', looks,
    'unblocked', to_jsonb(freed)
  );
end
$$;
--> statement-breakpoint

-- Cancels a task that isn't running, or asks a running one to stop. Says what state it found
-- (null: no such task), and what to look at again.
create function "tasking".cancel(task_id uuid, reason text)
returns table (found_state "tasking".task_state, unblocked int, looks jsonb)
language plpgsql
set enable_seqscan = off set jit = off
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := clock_timestamp();
  found "tasking".task%rowtype;
  resources text[];
  exclusives boolean[];
begin
  unblocked := 0;
  looks := '[]';
  -- Waits for a claim or a finish under way, so that what it says is what stands.
  select t.* into found from "tasking".task as t where t.id = task_id for no key update;
  found_state := found.state;
  if found.state in ('scheduled', 'waiting') then
    update "tasking".task as t
       set state = 'canceled', finished_at = moment, cancel_reason = reason
     where t.id = task_id;
    resources := found.exclusive || found.shared;
    if resources <> '{}' then
      exclusives := array_fill(true, array[cardinality(found.exclusive)])
                 || array_fill(false, array[cardinality(found.shared)]);
      select cardinality(r.freed), r.looks into unblocked, looks
        from "tasking".release(
               resources, exclusives, array_fill(found.position, array[cardinality(resources)]), '[]'
             ) as r;
    end if;
  elsif found.state = 'running' then
    update "tasking".task as t
       set state = 'canceling', cancel_reason = reason
     where t.id = task_id;
  end if;
  return next;
end
$$;
--> statement-breakpoint

-- Ends the tasks of a worker that is no more, and forgets the worker.
create function "tasking".lose_worker(worker uuid, failure jsonb)
returns table (lost int, unblocked int, looks jsonb)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := clock_timestamp();
  resources text[];
  exclusives boolean[];
  positions bigint[];
begin
  unblocked := 0;
  looks := '[]';
  delete from "tasking".app_status as a where a.id = worker;
  with ended as (
    update "tasking".task as t
       set state = (case when t.state = 'canceling' then 'canceled' else 'failed' end)::"tasking".task_state,
           error = failure,
           finished_at = moment
     where t.worker_id = worker and t.state in ('running', 'canceling')
    returning t.id, t.position, t.exclusive, t.shared
  ), place as (
    select e.position, r.resource, r.exclusive
      from ended as e
     cross join lateral (
       select unnest(e.exclusive) as resource, true as exclusive
       union all
       select unnest(e.shared), false
     ) as r
  )
  select (select count(*) from ended), array_agg(p.resource), array_agg(p.exclusive),
         array_agg(p.position)
    into lost, resources, exclusives, positions
    from place as p;
  if resources is not null then
    select cardinality(r.freed), r.looks into unblocked, looks
      from "tasking".release(resources, exclusives, positions, '[]') as r;
  end if;
  return next;
end
$$;
--> statement-breakpoint

-- What somebody does now and then for all, one at a time: ends the tasks of workers that have gone
-- missing, and looks at every line for wake-ups that were lost with a process between its commit
-- and its second look. It reads the heads of the lines only, not the tasks behind them.
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
      'done', false, 'missing', missing, 'lost', 0, 'unblocked', 0, 'looks', looks
    );
  end if;

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
               array_fill(true, array[cardinality(resources)]),
               array_fill('second'::text, array[cardinality(resources)])
             ) as u;
      unblocked := unblocked + cardinality(outcome.freed);
      looks := looks || outcome.looks;
    end if;
  end if;

  return jsonb_build_object(
    'done', true, 'missing', missing, 'lost', lost, 'unblocked', unblocked, 'looks', looks
  );
end
$$;
