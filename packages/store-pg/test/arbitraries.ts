export { resourcesArbitrary, runs } from '../../core/test/arbitraries.ts'
