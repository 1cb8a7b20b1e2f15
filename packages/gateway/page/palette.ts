/**
 * Colours that people who see red and green alike can tell apart (Okabe and Ito, 2008), on white and on black. Lines differ
 * in their dashes as well.
 */
export type Colour = 'black' | 'orange' | 'sky' | 'green' | 'yellow' | 'blue' | 'red' | 'purple'

const LIGHT: Readonly<Record<Colour, string>> = {
  black: '#1b1f24',
  orange: '#b36f00',
  sky: '#2a86b8',
  green: '#00795a',
  yellow: '#8a7a00',
  blue: '#0062a3',
  red: '#c24400',
  purple: '#a34f80',
}

const DARK: Readonly<Record<Colour, string>> = {
  black: '#e6e8eb',
  orange: '#e69f00',
  sky: '#56b4e9',
  green: '#2cc39a',
  yellow: '#f0e442',
  blue: '#5aa9e6',
  red: '#ff7f3f',
  purple: '#e39ac6',
}

export type Theme = 'light' | 'dark'

export function colour(name: Colour, theme: Theme): string {
  return (theme === 'dark' ? DARK : LIGHT)[name]
}
