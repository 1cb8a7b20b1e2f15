export { Assembly, type Surroundings } from './assembly.ts'
export { Succession } from './succession.ts'
export { planHash } from './plan-hash.ts'
