import { refuseValue } from '../ground/index.ts'
import type { QueueDiscipline } from '../queue/index.ts'

/** A queue as it was given. @throws RangeError naming `owner` for what is none */
export function disciplineOf(owner: string, queue: QueueDiscipline): QueueDiscipline {
  if (typeof (queue as Partial<QueueDiscipline>).open !== 'function')
    refuseValue(`${owner}.queue`, queue, 'a queue such as `fifo()`')
  return queue
}
