import { gradient2 } from 'sluice'
import { drift, kept, portrait, slower } from './limits.mjs'

export function draw() {
  const make = () => gradient2()
  const failures = [
    ...kept(make, [0.7, 2]),
    ['limit after 1, 5, 10 and 20 minutes at 2× (20 slots)', drift(make, [70, 310, 610, 1210])],
    [
      'a dependency four times slower, with room: refused from 10 to 40 s, from 5 to 6, from 10 to 11 min',
      slower(make, [
        [10, 40],
        [300, 360],
        [600, 660],
      ]),
    ],
  ]
  return [portrait({ name: 'gradient2', call: 'gradient2()', make, top: 120, failures })]
}
