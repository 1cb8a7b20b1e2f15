export { fifo, type FifoOptions } from './fifo.ts'
export type { Queue, QueueDiscipline, Waiter } from './queue.ts'
