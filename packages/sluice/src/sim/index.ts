export {
  bursts,
  even,
  poisson,
  ramp,
  steady,
  trace,
  type Arrivals,
  type BurstsOptions,
  type Stretch,
} from './arrivals.ts'
export type { Balancing } from './balancer.ts'
export type { GateSite } from './building.ts'
export type { ClientsData, RetriesData } from './clients-data.ts'
export { gateOf, type GateData, type GateWorld, type Limits, type NamedData } from './gate-data.ts'
export type { OnLeave } from './instance.ts'
export type { BurstsData, Course, LoadData, PhaseData, TraceEntry } from './load-data.ts'
export type { ClassData, MixData } from './mix.ts'
export type { PausesData } from './pausing-clock.ts'
export type { PlantChange } from './plant.ts'
export type {
  BalancedData,
  DependencyData,
  EventLoopData,
  PlantData,
  SinglePlantData,
  TiersData,
  WorkersData,
} from './plant-data.ts'
export type {
  FairnessFigures,
  Figures,
  LatencyFigures,
  NamedFigures,
  Point,
  SimReport,
  TenantFigures,
} from './report.ts'
export { checkScenario, type ChangeData, type Scenario } from './scenario.ts'
export {
  bimodal,
  constant,
  exponential,
  gamma,
  lognormal,
  pareto,
  sampled,
  type BimodalOptions,
  type ServiceTime,
} from './service.ts'
export type { ServiceData } from './service-data.ts'
export { simulate, type SimulateOptions, type SimWorld } from './simulate.ts'
export type { TenantsData } from './tenants.ts'
export { VirtualClock } from './virtual-clock.ts'
export { bestFixedLimit, type BestFixedLimit, type BestFixedLimitOptions } from './best-fixed-limit.ts'
