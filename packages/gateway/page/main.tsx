import { render } from 'preact'
import { Page } from './page.tsx'

// The demo says which two it compares; a gateway says nothing.
const told = document.querySelector<HTMLMetaElement>('meta[name="sluice-sides"]')?.content ?? ''
render(<Page sides={told.split(',').filter((side) => side !== '')} />, document.querySelector('#page')!)
