/*
 * A release, and the looks that it makes due: in its transaction, and in later ones. The process says
 * for whom: `subject` is the task whose reservations were released, or NOBODY where every candidate
 * counts. It remembers sets of resources and, between the statements of a look, sets of tasks.
 */
#define LOOKS \
  byte looked; /* looked at in this transaction */ \
  byte tried;  /* after a try for its lock */ \
  byte failed; /* to be looked at again in a while, with a try */ \
  byte still;  /* a candidate was still blocked there */ \
  bool released; /* with this very transaction */ \
  byte asked;  /* the candidates at one resource */ \
  byte free    /* the candidates found free: a set for each resource */

/* Whoever releases an exclusive reservation tries for the lock alone, otherwise with others. */
#define obtainable(r) (mode(subject, r) == EXCLUSIVE -> holdable(r) : shareable(r))

/*
 * In a while: once the locks that weren't free are. Whoever looked again and again in vain would pass
 * for somebody who gets on, and hide a deadlock; a search of its own goes through all looks.
 */
#ifdef EARLY_LOOKS
#define due true
#else
#define due (released || (!has(tried, 0) || obtainable(0)) && (!has(tried, 1) || obtainable(1)))
#endif

/* Ends a task and deletes its reservations: nobody can tell the two apart before the commit. */
inline finish(task) {
  row[task] = me;
  deleter[task] = me
}

/* Says what the first look at what a task gives up is to be. */
inline owe(task) {
  subject = task;
  released = true;
  looked = reserved(task);
#ifndef WITHOUT_TRY
  tried = looked
#endif
}

inline try(resource) {
  if
  :: !obtainable(resource) -> failed = failed | bit(resource)
  :: obtainable(resource) && mode(subject, resource) == EXCLUSIVE -> hold(resource)
  :: else -> share(resource)
  fi
}

inline first_try() {
#ifndef TRY_AFTER_LOOK
  if
  :: has(tried, 0) -> try(0)
  :: !has(tried, 0) && has(tried, 1) -> try(1)
  :: else
  fi
#else
  skip
#endif
}

/* A transaction that looks, but for its first try and the commit. */
inline look() {
#ifdef TRY_AFTER_LOOK
  look_at_all();
  if :: has(tried, 0) -> d_step { try(0) } :: else fi;
  if :: has(tried, 1) -> d_step { try(1) } :: else fi;
#else
  if :: tried == EVERY_RESOURCE -> d_step { try(1) } :: else fi;
  look_at_all();
#endif
  if :: free -> d_step { unblock() } :: else fi
}

/* After the commit: what is left to be looked at. */
inline look_again() {
#ifdef WITHOUT_SECOND_LOOK
  still = 0;
#endif
#ifdef WITHOUT_LOOK_AFTER_FAILED_TRY
  failed = 0;
#endif
  tried = failed;
  looked = failed | (released -> still : 0);
  released = false;
  failed = 0;
  still = 0
}

/* After a rollback: the same look once more. */
inline look_anew() {
  failed = 0;
  still = 0
}

inline look_never() {
  looked = 0;
  tried = 0;
  failed = 0;
  still = 0;
  released = false
}
