// Colours, letters and legends of the pictures.

/**
 * The colours of Okabe and Ito, which people who see few colours can tell apart, and lighter ones for a dark page. The
 * background is part of the picture: a viewer may disagree with the page about which of the two it is.
 */
const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#e69f00', '#cc79a7', '#777777']
const DARK = ['#56b4e9', '#ff8a4c', '#2fc79b', '#f0c14b', '#e5a3c6', '#9a9a9a']

const shades = (colors) => colors.map((color, at) => `.s${at}{stroke:${color}}.f${at}{fill:${color}}`).join('')

export const style = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#24292f}
.title{font-size:15px;font-weight:600}.heading{font-weight:600}.note{font-size:11px;fill:#57606a;paint-order:stroke;stroke:#ffffff;stroke-width:4px}
.middle{text-anchor:middle}.end{text-anchor:end}
.paper{fill:#ffffff}.band{fill:#8c959f;opacity:.16}.wash{opacity:.2}
.grid{stroke:#d8dee4}.axis{stroke:#57606a}.rule{stroke:#57606a;stroke-dasharray:2 3}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.dash{stroke-dasharray:6 3}
${shades(LIGHT)}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.note{fill:#9da7b3;stroke:#0d1117}.paper{fill:#0d1117}.grid{stroke:#30363d}.axis,.rule{stroke:#9da7b3}.wash{opacity:.28}
${shades(DARK)}
}
</style>`

/** Letters at a point; `kind`: classes of the style. */
export function text(x, y, words, kind = '') {
  return `<text x="${number(x)}" y="${number(y)}"${kind === '' ? '' : ` class="${kind}"`}>${escape(words)}</text>`
}

/** How wide words are, about: no font is at hand to ask. */
export function widthOf(words) {
  return words.length * 6.7
}

/** A row, or rows, of samples with names. */
export function legend(series, left, top, width) {
  const svg = []
  let x = left
  let y = top
  for (const { label, kind, color, dash } of series) {
    const wide = 24 + widthOf(label) + 14
    if (x > left && x + wide > left + width) {
      x = left
      y += 17
    }
    const filled = kind === 'bars' || kind === 'area'
    svg.push(
      filled
        ? `<rect class="f${color}" x="${number(x)}" y="${number(y - 9)}" width="12" height="10"/>`
        : `<path class="line s${color}${dash === true ? ' dash' : ''}" d="M${number(x)} ${number(y - 4)}h18"/>`,
    )
    svg.push(text(x + (filled ? 17 : 23), y, label))
    x += wide
  }
  return { svg: svg.join('\n'), bottom: series.length === 0 ? top - 15 : y + 4 }
}

export function number(value) {
  return String(Math.round(value * 10) / 10)
}

export function escape(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
