CREATE SCHEMA IF NOT EXISTS "tasking";
--> statement-breakpoint
CREATE TYPE "tasking"."creation_state" AS ENUM('incomplete', 'complete', 'removed');--> statement-breakpoint
CREATE TYPE "tasking"."reservation_mode" AS ENUM('shared', 'counted', 'exclusive');--> statement-breakpoint
CREATE TYPE "tasking"."task_state" AS ENUM('scheduled', 'waiting', 'running', 'canceling', 'completed', 'failed', 'canceled', 'skipped');--> statement-breakpoint
-- Not in SQL: the constraint that asks would have it inlined, and planned anew for each statement.
CREATE FUNCTION "tasking".is_share(amount integer, capacity integer)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
begin
	return amount between 1 and capacity;
end
$$;--> statement-breakpoint
CREATE SEQUENCE "tasking"."fencing_token" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE SEQUENCE "tasking"."position" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "tasking"."app_status" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"ttl_ms" integer NOT NULL,
	"concurrency" integer NOT NULL,
	"auxiliary" boolean DEFAULT false NOT NULL,
	"queues" text[] NOT NULL,
	"task_names" text[] NOT NULL,
	"serving" text[],
	"versions" jsonb,
	"claim_names" text[],
	"cleans_up" text[],
	"fleet" integer,
	"housekeepers" integer,
	"started_at" timestamp with time zone NOT NULL,
	"last_heartbeat_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tasking"."created_resource" (
	"task_id" uuid NOT NULL,
	"resource" text collate "C" NOT NULL,
	"state" "tasking"."creation_state" NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "created_resource_task_id_resource_pk" PRIMARY KEY("task_id","resource")
);
--> statement-breakpoint
CREATE TABLE "tasking"."progress_report" (
	"task_id" uuid NOT NULL,
	"code" text NOT NULL,
	"message" text NOT NULL,
	"done" double precision NOT NULL,
	"total" double precision,
	"suffix" text,
	"fencing_token" bigint NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "progress_report_task_id_code_pk" PRIMARY KEY("task_id","code")
);
--> statement-breakpoint
CREATE TABLE "tasking"."paused_queue" (
	"queue" text PRIMARY KEY NOT NULL,
	"paused_at" timestamp with time zone NOT NULL,
	"reason" text
);
--> statement-breakpoint
CREATE TABLE "tasking"."requirement" (
	"name" text NOT NULL,
	"requires" jsonb NOT NULL,
	"asked_at" timestamp with time zone NOT NULL,
	CONSTRAINT "requirement_name_requires_pk" PRIMARY KEY("name","requires")
);
--> statement-breakpoint
CREATE TABLE "tasking"."reservation" (
	"resource" text collate "C" NOT NULL,
	"position" bigint NOT NULL,
	"mode" "tasking"."reservation_mode" NOT NULL,
	"task_id" uuid NOT NULL,
	"amount" integer,
	"capacity" integer,
	CONSTRAINT "reservation_resource_position_pk" PRIMARY KEY("resource","position"),
	CONSTRAINT "reservation_counted_fits" CHECK ("tasking"."reservation"."mode" <> 'counted' or "tasking".is_share("tasking"."reservation"."amount", "tasking"."reservation"."capacity") is true)
);
--> statement-breakpoint
CREATE TABLE "tasking"."schedule" (
	"name" text collate "C" PRIMARY KEY NOT NULL,
	"timing" jsonb NOT NULL,
	"task" jsonb NOT NULL,
	"revision" integer NOT NULL,
	"last_task_id" uuid,
	"next_at" timestamp with time zone,
	"paused_at" timestamp with time zone,
	"last_fired_at" timestamp with time zone,
	"last_skipped_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "tasking"."task" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"state" "tasking"."task_state" NOT NULL,
	"queue" text NOT NULL,
	"priority" integer NOT NULL,
	"position" bigint NOT NULL,
	"exclusive" text[] NOT NULL,
	"shared" text[] NOT NULL,
	"worker_id" uuid,
	"fencing_token" bigint,
	"parent_id" uuid,
	"dedupe_key" text,
	"counted" jsonb,
	"options" jsonb,
	"group_id" uuid,
	"correlation_id" text,
	"attempt" integer DEFAULT 1 NOT NULL,
	"ends_as" "tasking"."task_state",
	"dispatched_at" timestamp with time zone NOT NULL,
	"unblocked_at" timestamp with time zone,
	"started_at" timestamp with time zone,
	"finished_at" timestamp with time zone,
	"run_at" timestamp with time zone,
	"cancel_reason" text,
	"input" jsonb,
	"result" jsonb,
	"error" jsonb,
	CONSTRAINT "task_running_has_owner" CHECK ("tasking"."task"."state" < 'running' or "tasking"."task"."state" > 'canceling' or ("tasking"."task"."worker_id" is not null and "tasking"."task"."fencing_token" is not null and "tasking"."task"."started_at" is not null and "tasking"."task"."unblocked_at" is not null)),
	CONSTRAINT "task_final_is_finished" CHECK (("tasking"."task"."state" >= 'completed') = ("tasking"."task"."finished_at" is not null))
);
--> statement-breakpoint
-- A scheduled task stands in no line, unless it is to be tried again in its place; one of a group does,
-- or the group's finalizer would not wait for it. An orphan never completes, nor is it tried again.
CREATE FUNCTION "tasking".may_be_special(t "tasking".task)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
begin
	return case
		when t.ends_as = 'failed'
			then t.unblocked_at is not null and t.error is not null
				and t.state in ('waiting', 'running', 'canceling', 'failed', 'canceled')
		when t.ends_as = 'canceled'
			then t.unblocked_at is not null and t.state in ('waiting', 'canceling', 'canceled')
		when t.ends_as is not null then false
		else t.run_at is not null and t.worker_id is null and (t.group_id is null or t.unblocked_at is not null)
	end;
end
$$;--> statement-breakpoint
ALTER TABLE "tasking"."task" ADD CONSTRAINT "task_special_is_sound" CHECK (("tasking"."task"."state" <> 'scheduled' and "tasking"."task"."ends_as" is null) or "tasking".may_be_special("tasking"."task".*));--> statement-breakpoint
CREATE TABLE "tasking"."task_group" (
	"id" uuid PRIMARY KEY NOT NULL,
	"description" text,
	"created_at" timestamp with time zone NOT NULL,
	"closed_at" timestamp with time zone,
	"finalizer_id" uuid
);
--> statement-breakpoint
CREATE INDEX "reservation_exclusive" ON "tasking"."reservation" USING btree ("resource","position") WHERE "tasking"."reservation"."mode" = 'exclusive';--> statement-breakpoint
CREATE INDEX "reservation_counted" ON "tasking"."reservation" USING btree ("resource","position") WHERE "tasking"."reservation"."mode" = 'counted';--> statement-breakpoint
CREATE INDEX "schedule_due" ON "tasking"."schedule" USING btree ("next_at") WHERE "tasking"."schedule"."next_at" is not null and "tasking"."schedule"."paused_at" is null;--> statement-breakpoint
CREATE INDEX "task_claim" ON "tasking"."task" USING btree ("queue",coalesce("name" || chr(31) || ("options" ->> 'requires'), "name"),(- "priority"),"position") WHERE "tasking"."task"."state" = 'waiting' and "tasking"."task"."unblocked_at" is not null;--> statement-breakpoint
CREATE INDEX "task_owned" ON "tasking"."task" USING btree ("worker_id","state") WHERE "tasking"."task"."state" in ('running', 'canceling');--> statement-breakpoint
CREATE INDEX "task_scheduled" ON "tasking"."task" USING btree ("run_at","id") WHERE "tasking"."task"."state" = 'scheduled';--> statement-breakpoint
CREATE INDEX "task_orphaned" ON "tasking"."task" USING btree ("id") WHERE "tasking"."task"."ends_as" is not null and "tasking"."task"."state" = 'waiting';--> statement-breakpoint
CREATE INDEX "task_requiring" ON "tasking"."task" USING btree (("name" || chr(31) || ("options" ->> 'requires'))) WHERE ("tasking"."task"."options" ->> 'requires') is not null and "tasking"."task"."state" in ('scheduled', 'waiting');--> statement-breakpoint
CREATE INDEX "task_children" ON "tasking"."task" USING btree ("parent_id","state") WHERE "tasking"."task"."parent_id" is not null;--> statement-breakpoint
CREATE INDEX "task_members" ON "tasking"."task" USING btree ("group_id","state") WHERE "tasking"."task"."group_id" is not null;--> statement-breakpoint
CREATE INDEX "task_ended" ON "tasking"."task" USING btree ("state","id") WHERE "tasking"."task"."state" in ('failed', 'canceled', 'skipped');--> statement-breakpoint
CREATE UNIQUE INDEX "task_dedupe" ON "tasking"."task" USING btree ("name","dedupe_key") WHERE "tasking"."task"."dedupe_key" is not null and "tasking"."task"."state" in ('scheduled', 'waiting', 'running', 'canceling');