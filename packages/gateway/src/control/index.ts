export { Controls, type Command, type Controlled, type ControlsOptions } from './controls.ts'
