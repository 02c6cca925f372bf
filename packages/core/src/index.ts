export { batchEntry } from './batch.ts'
export type { BatchEntry, BatchHandles } from './batch.ts'
export { encryptionKeyOf } from './cipher.ts'
export { createTasking } from './client.ts'
export { systemClock } from './clock.ts'
export type { Clock } from './clock.ts'
export type { Completion, OwnCompletion } from './completion.ts'
export type { TaskContext } from './context.ts'
export { correlationId, withCorrelationId } from './correlation.ts'
export { checkedCreation, creationStates } from './creation.ts'
export type {
  CreatedResource,
  CreationRecord,
  CreationState,
  CreationStore,
  LeftOver,
} from './creation.ts'
export { defineTask } from './definition.ts'
export type { AnyTaskDefinition, ResourceRule, ResultOf, TaskDefinition } from './definition.ts'
export type { Dispatch } from './dispatch.ts'
export { durationText, milliseconds } from './duration.ts'
export type { Duration } from './duration.ts'
export { encryptionKeysFrom, newEncryptionKey } from './encryption-key.ts'
export type { EncryptionKey, EncryptionOptions } from './encryption-key.ts'
export {
  BatchEntryError,
  DecryptionError,
  DuplicateTaskError,
  GroupClosedError,
  GroupNotFoundError,
  GroupTimeoutError,
  HandlerNotAsyncError,
  EncryptionKeyMissingError,
  InvalidInputError,
  InvalidOptionError,
  InvalidResourceError,
  NotDeferrableError,
  NotJsonError,
  ResourcesBusyError,
  ResultTimeoutError,
  ScheduleNotFoundError,
  StoreUnavailableError,
  TaskCanceledError,
  TaskFailedError,
  TaskingError,
  TaskLostError,
  TaskNotFoundError,
  TaskSkippedError,
  TaskStateError,
  UnknownTaskError,
  WorkerMissingError,
} from './errors.ts'
export type { InputIssue } from './errors.ts'
export type {
  BlockingLink,
  Explanation,
  Line,
  LineFilter,
  LinePlace,
  LineSummary,
  ObservationStore,
  TaskInLine,
} from './explanation.ts'
export type {
  GroupCancellation,
  GroupStore,
  NewTaskGroup,
  TaskGroupFilter,
  TaskGroupRecord,
} from './group.ts'
export { groupResource, incompleteIn } from './group.ts'
export type { TaskGroup } from './group-handle.ts'
export type { HousekeepingReport, HousekeepingStore, PromotionReport } from './housekeeping.ts'
export { timeoutMsOf } from './immediate.ts'
export type { ImmediateRunner } from './immediate.ts'
export { parseInput } from './input.ts'
export { isolations } from './isolation.ts'
export type { Isolation } from './isolation.ts'
export { storableText, throughJson } from './json.ts'
export type { Jsonified, JsonValue } from './json.ts'
export { fireDueSchedules } from './due-schedules.ts'
export type { FiredSchedules, FiringFailure } from './due-schedules.ts'
export { silentLogger } from './logger.ts'
export type { Logger, LogMethod } from './logger.ts'
export { MemoryStore } from './memory-store.ts'
export { longWaitMs, sumOfQueues } from './metrics.ts'
export type { Metrics, QueueMetrics } from './metrics.ts'
export { isName } from './name.ts'
export { defaultQueue } from './new-task.ts'
export type { DispatchOptions } from './new-task.ts'
export type { QueueRecord, QueueStore } from './queue.ts'
export { purge } from './purge.ts'
export type { PurgeOptions } from './purge.ts'
export { purgeTask } from './purge-task.ts'
export type { PurgeTaskInput } from './purge-task.ts'
export { maxProgressCodes, progressState } from './progress.ts'
export type {
  ProgressReport,
  ProgressState,
  ProgressStore,
  ProgressUpdate,
  TaskProgress,
} from './progress.ts'
export { blockersOf, conflictsBetween, modesConflict, reservationsOf } from './reservation.ts'
export type { Reservation, Reserving } from './reservation.ts'
export { maxCapacity, maxResourceBytes, normalizeResources } from './resource.ts'
export type { CountedRequest, ReservationMode, ResourceRequest, Resources } from './resource.ts'
export type {
  DueSchedules,
  Firing,
  FiringOutcome,
  NewSchedule,
  Schedule,
  ScheduledTask,
  SchedulePlan,
  ScheduleStore,
} from './schedule.ts'
export { defineSchedule } from './schedules.ts'
export type {
  ScheduleDefinition,
  ScheduleOptions,
  ScheduleRequest,
  Schedules,
} from './schedules.ts'
export { NoRetryError, retryDelayMs } from './retry.ts'
export type { Backoff, FailedAttempt, OnPolicyError, RetryPolicy } from './retry.ts'
export type { Signal, SignalSource } from './signal.ts'
export {
  eventRules,
  finalStates,
  isFinal,
  nextState,
  taskEvents,
  taskStates,
} from './state-machine.ts'
export type { FinalState, TaskActor, TaskEvent, TaskState } from './state-machine.ts'
export type { Store } from './store.ts'
export type { DispatchedHandle, DispatchOutcome, ResultOptions, TaskHandle } from './task-handle.ts'
export type {
  BlockedRule,
  ClaimedTask,
  DispatchedTask,
  NewTask,
  Orphan,
  OrphanEnd,
  Recovery,
  Task,
  TaskCounts,
  TaskError,
  TaskGroupId,
  TaskId,
  TaskOptions,
  TwinRule,
  WorkerId,
} from './task.ts'
export type {
  DispatchTarget,
  PurgeBatch,
  PurgedBatch,
  TaskFilter,
  TaskRelation,
  TaskStore,
} from './task-store.ts'
export { checkedTiming } from './timing.ts'
export type { Timing, TimingRequest } from './timing.ts'
export type { CancelRequest, Look, Turn, TurnResult, TurnStore } from './turn.ts'
export { kindOfWorker } from './worker.ts'
export type { Beat, WorkerKind, WorkerRecord, WorkerRegistration, WorkerStore } from './worker.ts'
export { workerStopped } from './worker-loss.ts'
export { encryptionFromVariables, switchFromVariable } from './variables.ts'
export { checkedVersions } from './version.ts'
export type { Versions } from './version.ts'
export type { Tasking, TaskingOptions, TaskGroupOptions } from './tasking.ts'
