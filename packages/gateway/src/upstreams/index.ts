export { Balancer, type BalancerOptions } from './balancer.ts'
export type { Below } from './below.ts'
export type { Link, Member } from './member.ts'
