import type { Channel } from '../stream/index.ts'
import { CHANNEL_LAWS, type ChannelLawWorld } from './channel-law.ts'
import { ChannelPlay } from './channel-play.ts'
import { channelScripts, type ChannelStep } from './channel-script.ts'
import { forAll, type LawOptions, type LawRunner, type PropertyTester } from './property.ts'

/**
 * Holds a channel to the {@link CHANNEL_LAWS}: random scripts of producers, consumers, departures and ends, in virtual
 * time.
 *
 * ```ts
 * channelLaws('my channel', { describe, it }, fc, (world) => channel({ capacity: 4, policy: 'block', ...world }))
 * ```
 * @param make makes a fresh channel with the clock, the chance and the listeners it is given; a small capacity finds
 * more
 */
export function channelLaws(
  name: string,
  runner: LawRunner,
  fc: PropertyTester,
  make: (world: ChannelLawWorld) => Channel<number>,
  options: LawOptions = {},
): void {
  const play = async (steps: readonly ChannelStep[]): Promise<readonly string[]> => {
    const played = new ChannelPlay(make, options.seed ?? 1)
    for (const step of steps) await played.step(step)
    await played.end()
    return played.transcript
  }

  runner.describe(`channel laws: ${name}`, () => {
    runner.it('laws 1 to 8 and 10 hold in whatever order things happen', () =>
      forAll(fc, options, channelScripts(fc, options), async (steps) => void (await play(steps))),
    )

    runner.it(`law 9: ${CHANNEL_LAWS[9]}`, () =>
      forAll(
        fc,
        { ...options, runs: Math.ceil((options.runs ?? 100) / 4) },
        channelScripts(fc, options),
        async (steps) => {
          const [first, second] = [await play(steps), await play(steps)]
          const at = first.findIndex((line, index) => line !== second[index])
          if (at >= 0) throw new Error(`law 9 is broken: first ${first[at]}, then ${second[at]}`)
        },
      ),
    )
  })
}
