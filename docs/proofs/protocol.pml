/*
 * The resource protocol of docs/engine.md, for the model checker Spin. README.md says what is left
 * out and why that is sound; scripts/check-proofs.mjs runs it, with each guard taken out in turn.
 *
 * A d_step or a `statement` is an SQL statement on a snapshot of its own: it sees what is committed,
 * and what its own transaction has written. `me` is the process, and whatever transaction it is in.
 */
#include "tables.pml"
#include "mix.pml"
#include "transaction.pml"
#include "line.pml"
#include "dispatch.pml"
#include "look.pml"
#include "release.pml"
#include "verdict.pml"

/* One process dispatches a task, claims it, finishes it and looks again. */
proctype Life(byte me; byte wanted) {
  LOOKS;
  byte subject;
  bool repeated;

#ifdef POSITION_BEFORE_LOCKS
  d_step { draw() };
#endif
#ifdef LOCKS_IN_ANY_ORDER
  if
  :: me == 1 -> lock(1); lock(0)
  :: else -> lock(0); lock(1)
  fi;
#else
  lock(0);
  lock(1);
#endif
#ifndef POSITION_BEFORE_LOCKS
  d_step { draw() };
#endif
  d_step { insert() };
  if
  :: d_step { commit_dispatch() }
#ifdef ROLLBACKS
  :: d_step { roll_back_dispatch() }
#endif
  fi;

  if
  :: d_step {
      state[me] == WAITING && unblocked[me] && row[me] == NOBODY ->
      witness_claim();
      claim();
      owe(me)
    }
  :: state[me] == ENDED -> goto end_life
  fi;

  do
  :: atomic { looked && due -> if :: released -> finish(me) :: else fi; first_try() };
    look();
    if
    :: d_step { commit(); look_again() }
#ifdef DEATHS
    :: d_step { commit(); look_never() }
#endif
#ifdef ROLLBACKS
    :: d_step { !repeated -> repeated = true; unlock_all(); look_anew() }
#endif
    fi
#ifdef COMPLETIONS
  :: atomic { released -> d_step { finish(me); commit(); released = false } }
#endif
  :: !looked -> break
  od;
end_life:
  false
}

#ifdef CANCELS
#define alike(t, u) (mode(t, 0) == mode(u, 0) && mode(t, 1) == mode(u, 1))

/* Of tasks that are alike it is enough to cancel the last. */
inline cancel(task) {
  d_step {
    state[task] == WAITING && row[task] == NOBODY && (task == 2 || !alike(task, task + 1)) ->
    finish(task);
    owe(task)
  }
}

/* Somebody who cancels a waiting task, or none, and may roll that back. */
proctype Canceler() {
  LOOKS;
  byte me = CANCELER;
  byte subject;

  if
  :: cancel(0)
  :: cancel(1)
  :: cancel(2)
  :: goto end_cancel
  fi;
  do
  :: atomic { looked && due -> first_try() };
    look();
    if
    :: d_step { commit(); look_again() }
    :: d_step { released -> unlock_all(); look_never() }
    fi
  :: !looked -> break
  od;
end_cancel:
  false
}
#endif

/* Housekeeping sweeps at any time, and then whenever everybody waits, for as long as it helps. */
inline sweep() {
  looked = EVERY_RESOURCE;
  look_at_all();
  swept = (free != 0);
  if :: free -> d_step { unblock() } :: else fi;
  d_step { commit(); look_never() }
}

init {
  LOOKS;
  byte a, b, c, me = HOUSEKEEPER, subject = NOBODY;
  bool swept;

  choose_mix();
  atomic {
    run Life(0, reserved(0));
    run Life(1, reserved(1));
    run Life(2, reserved(2));
#ifdef CANCELS
    run Canceler()
#endif
  };
#ifdef SWEEP
  sweep();
  do
  :: timeout -> sweep(); if :: swept :: else -> break fi
  od;
#endif
  timeout;
  d_step { witness_end() }
}
