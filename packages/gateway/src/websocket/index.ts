export { listenForUpgrades, isWebSocket } from './upgrades.ts'
export { Tunnels, type TunnelOptions } from './tunnels.ts'
