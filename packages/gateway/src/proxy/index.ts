export { answer, type OwnAnswer } from './own-answer.ts'
export { proxy, type ProxyHandler, type ProxyOptions, type ProxyStats } from './proxy.ts'
export { methodNotAllowed, MOST_HEADERS, screen, type Listener } from './screen.ts'
