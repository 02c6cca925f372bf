/*
 * Locks, and the two ends of a transaction.
 */
#define shareable(r) (holder[r] == NOBODY || holder[r] == me)
#define holdable(r) (shareable(r) && (sharers[r] & ~bit(me)) == 0)

inline share(n) { sharers[n] = sharers[n] | bit(me) }
inline hold(n) { holder[n] = me }

inline unlock(n) {
  if :: holder[n] == me -> holder[n] = NOBODY :: else fi;
  sharers[n] = sharers[n] & ~bit(me)
}

inline unlock_all() {
  for (who : 0 .. TASKS - 1) {
    if :: deleter[who] == me -> deleter[who] = NOBODY :: else fi;
    if :: row[who] == me -> row[who] = NOBODY :: else fi
  }
  unlock(0);
  unlock(1)
}

/* A task whose reservations were deleted has ended; any other row that it locked was unblocked. */
inline commit() {
  for (who : 0 .. TASKS - 1) {
    if
    :: row[who] != me
    :: row[who] == me && deleter[who] == me ->
      state[who] = ENDED;
      unblocked[who] = false;
      position[who] = 0;
      for (other : 0 .. TASKS - 1) { earlier[other] = earlier[other] & ~bit(who) }
    :: else -> unblocked[who] = true
    fi
  }
  unlock_all()
}
