/*
 * What must hold. A search looks for any failure, or for one kind only.
 */
#define ANY 0
#define OVERLAP 1
#define OVERTAKEN 2
#define STUCK 3
#define DEADLOCK 4
#ifndef FAILURE
#define FAILURE ANY
#endif
#define wrong(kind, failure) ((FAILURE == ANY || FAILURE == kind) && failure)

hidden byte overlap, overtaken, stuck, deadlock;

/* As a task is claimed: nothing that conflicts runs, and nothing that came first is unfinished. */
inline witness_claim() {
  rivals = 0;
  for (who : 0 .. TASKS - 1) {
    if :: state[who] == RUNNING -> rivals = rivals | bit(who) :: else fi
  }
  compare(me);
  overlap = conflict;
  rivals = earlier[me];
  earlier[me] = 0;
  compare(me);
  overtaken = conflict;
  assert(!wrong(OVERLAP, overlap));
  assert(!wrong(OVERTAKEN, overtaken))
}

/* When nobody can do anything any more: all tasks have ended, and none waits for nothing. */
inline witness_end() {
  stuck = false;
  deadlock = false;
  for (who : 0 .. TASKS - 1) {
    deadlock = deadlock || state[who] != ENDED;
    if
    :: state[who] == WAITING && !unblocked[who] -> judge(who); stuck = stuck || !conflict
    :: else
    fi
  }
  deadlock = deadlock && !stuck;
  assert(!wrong(STUCK, stuck));
  assert(!wrong(DEADLOCK, deadlock))
}
