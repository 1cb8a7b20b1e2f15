import { vegas } from 'sluice'
import { kept, portrait, slower } from './limits.mjs'

export function draw() {
  const make = () => vegas()
  const failures = [
    ...kept(make, [0.7, 2]),
    [
      'a dependency four times slower, with room: refused from 10 to 40 s, from 40 to 70 s',
      slower(make, [
        [10, 40],
        [40, 70],
      ]),
    ],
  ]
  return [portrait({ name: 'vegas', call: 'vegas()', make, top: 120, failures })]
}
