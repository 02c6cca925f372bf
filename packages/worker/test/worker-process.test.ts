import { spawnNode } from '@tasking/testbed'
import { expect, test } from 'vitest'

import { Scene } from './scene.ts'

test('50 workers, one after the other, leave nothing that keeps a process alive', async () => {
  await using scene = await Scene.open()
  const script = new URL('fixtures/start-stop.ts', import.meta.url)
  await using child = spawnNode(script, [scene.url, '50'])
  await child.waitForLine(/^closed$/)
  expect(await child.exit).toEqual({ code: 0, signal: null })
  expect(child.lines).toContain('workers: 0')
  // Two of the pool and two for what keeps workers alive, at most: no listener's is left.
  expect(child.lines.find((line) => line.startsWith('sockets: '))).toMatch(/^sockets: [0-4]$/)
})
