import { describeGatewayPlan, describeUpstreams, type GatewayPlan } from '../config/index.ts'

/** What a gateway says once it listens, a line on standard output. @param workers the processes it is, where it is several */
export function sayStart(
  plan: GatewayPlan,
  { port, adminPort }: { readonly port: number; readonly adminPort: number },
  workers: readonly number[] = [],
): void {
  const { host, adminHost, tls } = plan.listen
  const several = workers.length === 0 ? '' : `${workers.length} workers (${workers.join(', ')}), `
  process.stdout.write(
    `sluice: ${tls === undefined ? 'http' : 'https'}://${inUrl(host)}:${port} -> ` +
      `${describeUpstreams(plan)}, ${describeGatewayPlan(plan)}; ` +
      `${several}page, health and metrics on http://${inUrl(adminHost)}:${adminPort}\n`,
  )
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
