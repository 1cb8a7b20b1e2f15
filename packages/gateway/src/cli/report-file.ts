import { appendFile } from 'node:fs/promises'
import type { Command } from 'commander'

/** Sees at once whether a report can be written: a bad path should not cost minutes of load first. */
export async function tryReportFile(report: string | undefined, command: Command): Promise<void> {
  if (report === undefined) return
  await appendFile(report, '').catch((error: NodeJS.ErrnoException) =>
    command.error(`--report is ${JSON.stringify(report)}; expected a file that can be written (${error.code})`),
  )
}
