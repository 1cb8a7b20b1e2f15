import { ADMIN_PORT, DATA_PORT } from './starter.ts'

/** An image of the gateway: nobody's privileges, nothing to write, the process itself in front so that signals arrive. */
export function dockerfile(): string {
  return `# docker build -t sluice-gateway:0.1.0 .
FROM node:24-slim
RUN npm install --global --omit=dev --ignore-scripts sluice-gateway@0.1.0
USER node
WORKDIR /home/node
EXPOSE ${DATA_PORT} ${ADMIN_PORT}
ENTRYPOINT ["sluice"]
CMD ["run", "/etc/sluice/sluice.yaml"]
`
}
