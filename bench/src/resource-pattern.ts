import type { ResourceRequest } from '@tasking/core'

/** What the tasks of a load reserve. */
export type ResourcePattern =
  | { readonly kind: 'none' }
  /** Each one resource that nobody else names, exclusively. */
  | { readonly kind: 'own' }
  /** All of them the same one. */
  | { readonly kind: 'same'; readonly mode: 'exclusive' | 'shared' }
  /** Each two of so many, by chance, exclusively. */
  | { readonly kind: 'two'; readonly of: number }

/** The resources of one task. */
export function resourcesOf(pattern: ResourcePattern): ResourceRequest {
  switch (pattern.kind) {
    case 'none':
      return {}
    case 'own':
      return { exclusive: [`own:${crypto.randomUUID()}`] }
    case 'same':
      return { [pattern.mode]: ['same'] }
    case 'two':
      return { exclusive: [oneOf(pattern.of), oneOf(pattern.of)] }
  }
}

function oneOf(count: number): string {
  return `resource:${Math.floor(Math.random() * count)}`
}
