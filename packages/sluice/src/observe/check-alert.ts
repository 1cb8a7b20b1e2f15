import { checkFunction, checkOptions, refuseValue } from '../ground/index.ts'
import type { Alert, MonitorMetric } from './alert.ts'

const METRICS: Readonly<Record<MonitorMetric, true>> = {
  depth: true,
  enqueueRate: true,
  dequeueRate: true,
  waitAverage: true,
  waitMax: true,
  admitRate: true,
  rejectRate: true,
  utilization: true,
}

/** What could only be found out in the episode it was written for, if at all. @throws RangeError naming alert and field */
export function checkAlert({ name, when, action }: Alert): void {
  const owner = `monitor.alerts.${name}`
  checkFunction(`${owner}.action`, action)
  if (typeof when === 'function') return
  const { metric } = checkOptions(`${owner}.when`, when)
  if (!Object.hasOwn(METRICS, metric))
    refuseValue(`${owner}.when.metric`, metric, `one of ${Object.keys(METRICS).join(', ')}`)
}
