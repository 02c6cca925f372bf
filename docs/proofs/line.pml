/*
 * Who blocks whom, as a statement of the transaction `me` sees it.
 */
#define visible(t) (standing(t) && deleter[t] != me)

/* Sets `conflict`: whether a task can't run together with those of the set `rivals`. */
inline compare(task) {
  conflict = false;
  for (at : 0 .. RESOURCES - 1) {
    sum = amount(task, at);
    for (other : 0 .. TASKS - 1) {
      if
      :: !has(rivals, other) || mode(task, at) == NONE || mode(other, at) == NONE
      :: else ->
        sum = sum + amount(other, at);
        conflict = conflict || mode(task, at) == EXCLUSIVE || mode(other, at) == EXCLUSIVE
      fi
    }
    conflict = conflict || counted(task, at) && sum > CAPACITY
  }
}

/* Sets `conflict`: whether a task is blocked by what stands before it. */
inline judge(task) {
  rivals = 0;
  for (other : 0 .. TASKS - 1) {
    if
    :: visible(other) && position[other] < position[task] -> rivals = rivals | bit(other)
    :: else
    fi
  }
  compare(task)
}
