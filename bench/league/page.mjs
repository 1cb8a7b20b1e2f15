import { FULL, TABLES } from './lines.mjs'
import { MEASURES, meets, worst } from './measures.mjs'
import { complaints, standings } from './standings.mjs'

const OURS = ['adaptive', 'default']

/** Everything the page says follows from the lines in it. */
export function page(book) {
  const missed = MEASURES.filter((measure) => !meets(measure, worst(measure, measure.find(book, OURS)).value))
  const wrong = complaints(book)
  return `# The league

Every way to find a limit, with every queue, on ten services and under every load, beside the best fixed limit there is.
In virtual time, with the gates that ship: \`npm run league\` plays it all again, in some minutes, and writes this page;
\`npm run league -- --check\` plays a part of it again and says whether this page still is what comes out. A word, as in
\`npm run league -- adaptive\`, plays only the lines that have it.

## What was asked for

The default, \`limiter()\`, untuned: the worst of all services, medians over seeds. ${MEASURES.length - missed.length} of ${MEASURES.length} bars are met${
    missed.length === 0
      ? '.'
      : `; which
are not, where, and by how much, stands below the table.`
  }

${table(
  ['measure', 'bar', 'worst', 'met', 'where it is worst', 'meet it'],
  MEASURES.map((measure) => {
    const places = measure.find(book, OURS)
    const { where, value } = worst(measure, places)
    const enough = places.filter((place) => meets(measure, place.value)).length
    const met = meets(measure, value)
    return [
      measure.name,
      measure.says,
      measure.text(value),
      met ? 'yes' : '**no**',
      where,
      `${enough} of ${places.length}`,
    ]
  }),
)}

${missed.map((measure) => shortfall(book, measure)).join('\n')}

Over real sockets: [overload](overload.md).

## Everybody, at their worst

One line is one contender on its worst service, which is another one for each measure: what to expect of it where nobody
has tuned it. *Goodput* and *p99* are those of the best fixed limit times so much; p99 counts the wait in the queue.
The order is by how much of each bar is attained, over all services; drift does not count for it, for whoever never moves
cannot drift. The mutants \`frozen\` (100), \`alwaysMin\` (1) and \`alwaysMax\` (1000) must come last, and nobody's worst
goodput may be as good as that of the default: the command fails otherwise.${wrong.length === 0 ? '' : ` **It does:** ${wrong.join('; ')}.`}

${FULL.map((queue) => everybody(book, queue)).join('\n\n')}

## How it is played

- Capacity is what the healthy service can do; *good* is an answer within 1 s, or within ten mean service times where that
  is more. Goodput is work in good answers, as a share of capacity.
- The oracle is the lowest fixed limit within 1 % of the best goodput, found for every service and load by a sweep, on
  seeds of its own. Whoever finds no slot is refused at once, so its p99 has no wait in it.
- The event loop takes 2 ms of processor and 40 ms of waiting for an answer, and 0.05 ms for a refusal: at 10× nobody can
  keep more than 0.77. It lets in with a yield, as \`protect()\` does.
- Capacity falls from 2× to 8×: *good* is a stretch of a second, or of 40 answers where that is more, with 85 % of what is
  left and 95 % of the answers within 1.8 times the oracle's p99 (four times that where every answer takes four times as
  long); after its return, 90 % of capacity.
- A limit is its median over a minute: one that looks around is elsewhere for moments. The ten minutes are four on
  200 × 100 ms and three on 64 × 5 ms, where those have as many answers.
- Seeds: medians of three with the queues \`default\` and \`none\`; one for \`fifo\`, \`codel\`, the ten minutes, classes and
  tenants; each storm has one of the three.
- A retry storm: clients who wait for 0.5 or 1 s and try again at once, up to 10 or 4 times, at 0.8× or 0.9×; what sets it
  off (five times the load, everything four times slower, capacity at a quarter) lasts 5 s. It is over when a stretch of 10 s
  begins with 95 % of what is wanted. Without a gate none of the thirty ever ends.
- Four classes: three mixes at 10×, the highest class half of what can be done. Tenants: ten of 10,000 send half, or Zipf's law.
- The queues: \`default\` is \`priority({ capacity: 1000, maxWait: 1000, standing: false })\`; \`none\` refuses at once; \`fair\`
  is \`fair({ standing: false })\`; \`fifo\` and \`codel\` are as they come, 1,000 places and 3 s. Envoy's, failsafe-go's and
  brpc's limits are written for the league from their documents and sources.

## Every figure

${TABLES.map((each) => details(book, each)).join('\n\n')}

<details>
<summary>Memory of a limiter with \`fair\`, in MB</summary>

${table(['queue', 'MB'], [['fair', ...book.cells('memory', ['fair'])]])}

</details>
`
}

/** Where a bar is missed, and by how much. */
function shortfall(book, measure) {
  const missing = measure.find(book, OURS).filter(({ value }) => !meets(measure, value))
  const places = missing.toSorted((a, b) => (measure.least ? a.value - b.value : b.value - a.value))
  return `- **${measure.name}** (${measure.says}): ${places.map(({ where, value }) => `${where} ${measure.text(value)}`).join('; ')}.`
}

function everybody(book, queue) {
  const shared = MEASURES.filter(({ everybody: all }) => all)
  const rows = standings(book, queue).map(({ limit, worsts, goodput, met, score }) => [
    limit,
    goodput.toFixed(3),
    ...worsts.slice(3).map(({ measure, value }) => measure.text(value)),
    `${met} of ${shared.length}`,
    score.toFixed(2),
  ])
  const columns = ['limit', 'goodput', ...shared.slice(3).map(({ short }) => short), 'bars met', 'attained']
  return `Queue \`${queue}\`:\n\n${table(columns, rows)}`
}

function details(book, { name, title, about, key, columns, keys }) {
  const rows = keys().map((line) => [...line, ...book.cells(name, line)])
  return `<details>\n<summary>${title}</summary>\n\n${about}\n\n${table([...key, ...columns], rows)}\n\n</details>`
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}
