import { Argument, type Command } from 'commander'
import { jsonSchema } from '../config/index.ts'
import { alerts } from '../export/alerts.ts'
import { compose } from '../export/compose.ts'
import { dockerfile } from '../export/dockerfile.ts'
import { grafana } from '../export/grafana.ts'
import { kubernetes } from '../export/kubernetes.ts'
import { systemd } from '../export/systemd.ts'

/** A file for somebody else's system. */
export interface Exporter {
  /** What it is, in a few words. */
  readonly about: string
  /** The whole file. */
  readonly text: () => string | Promise<string>
}

/** What can be exported, by name. To add one is to add a line here. */
const EXPORTERS: Readonly<Record<string, Exporter>> = {
  schema: {
    about: 'JSON Schema of the configuration file, for editors',
    text: () => `${JSON.stringify(jsonSchema(), undefined, 2)}\n`,
  },
  grafana: { about: 'a dashboard for Grafana 10 and later', text: () => grafana() },
  alerts: { about: 'alert rules for Prometheus', text: () => alerts() },
  compose: { about: 'gateway, Redis, Prometheus and Grafana for docker compose', text: () => compose() },
  kubernetes: { about: 'deployment, service, probes and scaling for Kubernetes', text: () => kubernetes() },
  dockerfile: { about: 'an image of the gateway', text: () => dockerfile() },
  systemd: { about: 'a unit for systemd', text: () => systemd() },
}

/** `sluice export`: files for others' systems. */
export function exportCommand(program: Command): void {
  const names = Object.keys(EXPORTERS)
  const list = names.map((name) => `  ${name.padEnd(12)}${EXPORTERS[name]!.about}`).join('\n')
  program
    .command('export')
    .description('print a file for another system')
    .addArgument(new Argument('<what>', 'which').choices(names))
    .addHelpText('after', `\nExample:\n  $ sluice export schema > sluice.schema.json\n\nThere is:\n${list}`)
    .action(async (name: string) => void process.stdout.write(await EXPORTERS[name]!.text()))
}
