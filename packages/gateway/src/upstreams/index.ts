export { Balancer, type BalancerOptions } from './balancer.ts'
export type { Member } from './member.ts'
