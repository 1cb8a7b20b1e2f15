export { explainSize } from './explain.ts'
export { explainMeasurement, measure, type Measurement, type MeasureOptions, type MeasuredStep } from './measure.ts'
export {
  size,
  SizeError,
  type Bound,
  type BoundName,
  type Demand,
  type Patience,
  type SizeInputs,
  type Sizing,
} from './size.ts'
