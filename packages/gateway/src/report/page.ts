import { chartSvg } from './chart.ts'
import { escape } from './escape.ts'
import type { Panel, Report, Section, Table } from './report.ts'

/** Colours of Okabe and Ito (2008), which colour-blind people tell apart; lighter ones on dark. */
const STYLE = `
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#57606a;--grid:#d8dee4;--pass:#1a7f37;--fail:#cf222e;
--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#7a5c00;--c5:#333}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--ink:#e6edf3;--soft:#9198a1;--grid:#30363d;--pass:#3fb950;--fail:#ff7b72;
--c0:#56b4e9;--c1:#e69f00;--c2:#2fd6a3;--c3:#f0a6cf;--c4:#f0e442;--c5:#ccc}}
body{margin:0 auto;padding:1.5rem;max-width:76rem;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem}h2{margin-top:2.5rem;font-size:1.2rem}h3{font-size:1rem}p{max-width:60rem;color:var(--soft)}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .8rem;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top}
.pass{color:var(--pass);font-weight:600}.fail{color:var(--fail);font-weight:600}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1.5rem}
figure{margin:0}svg{width:100%;height:auto}svg text{fill:var(--ink);font:11px system-ui,sans-serif}svg .title{font-weight:600;font-size:13px}
svg .unit,svg .tick{fill:var(--soft);font-weight:400}.grid{stroke:var(--grid)}.mark{stroke:var(--soft);stroke-dasharray:2 4}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.l0{stroke:var(--c0)}.l1{stroke:var(--c1)}.l2{stroke:var(--c2)}.l3{stroke:var(--c3)}.l4{stroke:var(--c4)}.l5{stroke:var(--c5)}
`

/** One file of HTML that needs nothing else: no script, no font, no picture from anywhere. Light or dark as the reader has it. */
export function reportPage({ title, text, summary, sections }: Report): string {
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    `<title>${escape(title)}</title><style>${STYLE}</style></head><body>\n` +
    `<h1>${escape(title)}</h1>\n${paragraphs(text)}${tableHtml(summary)}${sections.map(sectionHtml).join('')}</body></html>\n`
  )
}

function sectionHtml({ title, text = [], table, panels = [] }: Section): string {
  return (
    `<section><h2>${escape(title)}</h2>\n${paragraphs(text)}${table === undefined ? '' : tableHtml(table)}` +
    `${panels.length === 0 ? '' : `<div class="panels">${panels.map(panelHtml).join('')}</div>`}</section>\n`
  )
}

function panelHtml({ title, charts }: Panel): string {
  return `<figure><h3>${escape(title)}</h3>${charts.map(chartSvg).join('')}</figure>\n`
}

function tableHtml({ head, rows }: Table): string {
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}${verdict(cell)}>${escape(cell)}</${tag}>`).join('')}</tr>\n`
  return `<table>\n${cells('th', head)}${rows.map((row) => cells('td', row)).join('')}</table>\n`
}

function verdict(cell: string): string {
  return cell === 'PASS' || cell === 'FAIL' ? ` class="${cell.toLowerCase()}"` : ''
}

function paragraphs(text: readonly string[]): string {
  return text.map((each) => `<p>${escape(each)}</p>\n`).join('')
}
