import type { Store } from '@tasking/core'

/** The store itself but for some verbs. */
export function forwardingStore(store: Store, verbs: Partial<Store>): Store {
  return new Proxy(store, {
    get(_store, verb) {
      if (verb in verbs) return Reflect.get(verbs, verb)
      const own: unknown = Reflect.get(store, verb, store)
      // Called as this one's, it would not find the private fields of the store.
      return typeof own === 'function' ? own.bind(store) : own
    },
  })
}
