export { events, type Events, type Feed } from './events.ts'
export { page, type Page } from './page.ts'
