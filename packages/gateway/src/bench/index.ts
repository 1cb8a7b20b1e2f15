export { runBench, type Arm, type BenchOptions, type BenchResult, type Progress, type ScenarioResult } from './bench.ts'
export { benchReport } from './report.ts'
export { SCENARIO_NAMES, SHORTEST, type ScenarioName } from './scenario.ts'
export { Sheet } from './sheet.ts'
