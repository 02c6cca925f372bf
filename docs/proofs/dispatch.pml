/*
 * A dispatch, statement by statement, and the claim.
 */
#ifdef SHARED_LOCK_FOR_COUNTED
#define shares(r) (mode(me, r) == SHARED || counted(me, r))
#else
#define shares(r) (mode(me, r) == SHARED)
#endif

inline lock(resource) {
  if
#ifndef WITHOUT_DISPATCH_LOCKS
  :: has(wanted, resource) ->
    d_step {
      (shares(resource) -> shareable(resource) : holdable(resource));
      if
      :: shares(resource) -> share(resource)
      :: else -> hold(resource)
      fi
    }
#endif
  :: else
  fi
}

inline draw() {
  drawn++;
  position[me] = drawn
}

/* The task's own reservations, which nobody else sees yet, don't count. */
inline insert() {
  for (who : 0 .. TASKS - 1) {
    if :: standing(who) -> earlier[me] = earlier[me] | bit(who) :: else fi
  }
  judge(me);
  unblocked[me] = !conflict
}

inline commit_dispatch() {
  state[me] = WAITING;
  unlock_all()
}

inline roll_back_dispatch() {
  state[me] = ENDED;
  unblocked[me] = false;
  position[me] = 0;
  earlier[me] = 0;
  unlock_all()
}

inline claim() {
  state[me] = RUNNING;
  unblocked[me] = false
}
