export { reportPage } from './page.ts'
export type { Chart, Line, Panel, Report, Section, Table } from './report.ts'
