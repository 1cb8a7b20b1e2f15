import { systemClock, type Clock } from 'sluice'

/** The clock of a process begins where it began; that of the machine is the same for all. In ms. */
const SINCE_BOOT = Number(process.hrtime.bigint()) / 1e6 - systemClock.now()

/** Shows the same time in all processes of a machine. */
export const machineClock: Clock = {
  now: () => systemClock.now() + SINCE_BOOT,
  after: (delay, run, options) => systemClock.after(delay, run, options),
}
