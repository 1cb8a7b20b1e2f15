export { reportPage } from './page.ts'
export { sparkline, thinned } from './sparkline.ts'
export type { Chart, Line, Panel, Report, Section, Table } from './report.ts'
