/*
 * What the database holds. A process has one transaction at a time, so its number names both.
 */
#define TASKS 3
#define RESOURCES 2
#define EVERY_RESOURCE 3

/* Processes 0 to 2 have a task each, by its number; these come after them. */
#define CANCELER 3
#define HOUSEKEEPER 4
#define NOBODY 7

/* The modes of a reservation. A counted one takes one or two of the capacity. */
#define NONE 0
#define EXCLUSIVE 1
#define SHARED 2
#define ONE 3
#define TWO 4
#define CAPACITY 2

/* The states of a task, as committed. A dispatch that is rolled back goes from absent to ended. */
#define ABSENT 0
#define WAITING 1
#define RUNNING 2
#define ENDED 3

#define bit(n) (1 << (n))
#define has(set, n) ((set) & bit(n))

byte modes[6];
#define mode(t, r) modes[(t) * RESOURCES + (r)]
#define counted(t, r) (mode(t, r) >= ONE)
#define amount(t, r) (counted(t, r) -> mode(t, r) - SHARED : 0)
#define reserved(t) ((mode(t, 0) != NONE) + 2 * (mode(t, 1) != NONE))

/* The tasks. Their reservations stand from the commit of the dispatch to that of the end. */
byte state[TASKS];
bool unblocked[TASKS];
byte position[TASKS];
byte drawn;
#define standing(t) (state[t] == WAITING || state[t] == RUNNING)

/* Who has a task's row locked, and who has deleted its reservations and not committed yet. */
byte row[TASKS] = NOBODY;
byte deleter[TASKS] = NOBODY;

/* The advisory lock of each resource: its one holder, and the set of those who share it. */
byte holder[RESOURCES] = NOBODY;
byte sharers[RESOURCES];

/* The tasks whose dispatch had ended before that of this one looked at the lines. */
byte earlier[TASKS];

/* Scratch of one statement: nothing in it outlives that. */
hidden byte who, where, place, at, other, sum, line, rivals, missed;
hidden byte conflict, candidate, fits, ahead;
