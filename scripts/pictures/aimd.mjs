import { aimd } from 'sluice'
import { kept, portrait, slower } from './limits.mjs'

export function draw() {
  const tuned = () => aimd({ timeout: 200 })
  const failures = [
    ...kept(tuned, [0.7, 2]).map(([label, value]) => [`timeout 200, ${label}`, value]),
    ...kept(() => aimd(), [0.7, 2]).map(([label, value]) => [`timeout 1000, ${label}`, value]),
    [
      'timeout 200, a dependency four times slower, with room: refused from 10 to 40 s, from 40 to 70 s',
      slower(tuned, [
        [10, 40],
        [40, 70],
      ]),
    ],
  ]
  return [portrait({ name: 'aimd', call: 'aimd({ timeout: 200 })', make: tuned, top: 120, failures })]
}
