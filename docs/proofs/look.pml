/*
 * One look at the lines of the resources in `looked`: who may have waited there, and who of them has
 * nothing before it any more. Each read is a statement, unless one snapshot is to do for all.
 */
#ifdef ONE_SNAPSHOT
#define statement
#else
#define statement d_step
#endif

#define THE_LINE 8
#define free_at(t, r) bit((r) * TASKS + (t))
#define releases(kind) (subject == NOBODY || kind)

/* Reads the head of a line: behind an exclusive reservation there is no candidate. */
inline read_head(n) {
  ahead = true;
  for (place : 1 .. TASKS) {
    for (who : 0 .. TASKS - 1) {
      if
      :: ahead && position[who] == place && visible(who) && mode(who, n) != NONE ->
        asked = (mode(who, n) == EXCLUSIVE -> bit(who) : THE_LINE);
        ahead = false
      :: else
      fi
    }
  }
  ahead = false
}

/* Reads a line: candidates are the first exclusive reservation, and who before it may have waited. */
inline read_line(n) {
  asked = 0;
  line = 0;
  ahead = true;
  for (place : 1 .. TASKS) {
    for (who : 0 .. TASKS - 1) {
      if
      :: ahead && position[who] == place && visible(who) && mode(who, n) != NONE ->
        fits = line <= CAPACITY;
        line = line + amount(who, n);
#ifdef WITHOUT_FIRST_TOO_LARGE
        fits = line <= CAPACITY;
#endif
        if
        :: mode(who, n) == EXCLUSIVE -> candidate = true; ahead = false
        :: mode(who, n) == SHARED -> candidate = releases(mode(subject, n) == EXCLUSIVE)
        :: else -> candidate = fits && releases(mode(subject, n) != SHARED)
        fi;
        asked = asked | (candidate -> bit(who) : 0)
      :: else
      fi
    }
  }
  ahead = false
}

inline decide(task, n) {
  if
  :: state[task] == WAITING && !unblocked[task] ->
    judge(task);
    if
    :: conflict -> still = still | bit(n)
    :: else -> free = free | free_at(task, n)
    fi
  :: state[task] == ENDED -> failed = failed | bit(n)
  :: else
  fi
}

/* Unblocks them, but for rows that somebody has locked, or unblocked in the meantime. */
inline unblock() {
  for (who : 0 .. TASKS - 1) {
    missed = ((free & free_at(who, 0)) != 0) + 2 * ((free & free_at(who, 1)) != 0);
    if
    :: missed && row[who] == NOBODY && state[who] == WAITING && !unblocked[who] -> row[who] = me
#ifndef WITHOUT_LOOK_AFTER_LOCKED_ROW
    :: missed && !(row[who] == NOBODY && state[who] == WAITING && !unblocked[who]) ->
      failed = failed | missed
#endif
    :: else
    fi
  }
  free = 0
}

inline look_at(n) {
  if
  :: has(looked, n) ->
    statement { read_head(n) };
    if :: asked == THE_LINE -> statement { read_line(n) } :: else fi;
    if :: has(asked, 0) -> statement { decide(0, n) } :: else fi;
    if :: has(asked, 1) -> statement { decide(1, n) } :: else fi;
    if :: has(asked, 2) -> statement { decide(2, n) } :: else fi;
    asked = 0
  :: else
  fi
}

inline look_at_all() {
#ifdef ONE_SNAPSHOT
  d_step { look_at(0); look_at(1) }
#else
  look_at(0);
  look_at(1)
#endif
}
