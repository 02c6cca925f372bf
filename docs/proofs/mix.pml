/*
 * What the tasks reserve: every mix of three kinds. A kind of task says in which mode it reserves
 * each resource, one at least. The processes are alike, so the order in a mix makes no difference.
 */
#ifdef COUNTED
#define FIRST_MODES 5
#define SECOND_MODES 2
#else
#define FIRST_MODES 3
#define SECOND_MODES 3
#endif
#define KINDS (FIRST_MODES * SECOND_MODES)

/* The environment may name the one mix to search: 10203 for the kinds 1, 2 and 3. */
c_decl { extern int mix; }
c_code {
  \#include <stdlib.h>
  int mix = 0;
}

inline reserve(task, kind) {
  mode(task, 0) = kind / SECOND_MODES;
  mode(task, 1) = kind % SECOND_MODES
}

inline choose_mix() {
  c_code { if (getenv("MIX")) mix = atoi(getenv("MIX")); };
  select(a : 1 .. KINDS - 1);
  select(b : a .. KINDS - 1);
  select(c : b .. KINDS - 1);
end_other_mix:
  c_expr { (mix == 0 || mix == (Pinit->a * 100 + Pinit->b) * 100 + Pinit->c) };
  d_step {
    reserve(0, a);
    reserve(1, b);
    reserve(2, c);
    a = 0;
    b = 0;
    c = 0
  }
}
