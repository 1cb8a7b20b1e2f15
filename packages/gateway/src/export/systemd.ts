import { DRAIN } from './starter.ts'

/**
 * A unit for systemd: `sluice export systemd > /etc/systemd/system/sluice.service`. A user of its own, nothing to write,
 * no new privileges; `systemctl reload` takes over a changed configuration, `stop` lets what is in progress end.
 */
export function systemd(): string {
  return `[Unit]
Description=Sluice gateway
Documentation=man:systemd.service(5)
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
EnvironmentFile=-/etc/sluice/environment
ExecStart=/usr/bin/env sluice run /etc/sluice/sluice.yaml
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=1
TimeoutStopSec=${DRAIN + 5}
LimitNOFILE=65536
DynamicUser=yes
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE

[Install]
WantedBy=multi-user.target
`
}
