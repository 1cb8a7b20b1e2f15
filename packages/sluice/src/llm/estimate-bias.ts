/**
 * What prompts have of what was estimated, as long as nothing is known: estimates may be too low by a quarter before more is
 * sent at the start than fits. What was learned corrects them within bounds.
 */
const [UNKNOWN, LOW, HIGH] = [1.3, 0.5, 2]

/** How fast it follows, once there is something to follow. */
const NEWS = 0.05

/** How far estimates of prompts are off, as it has been of late. */
export class EstimateBias {
  /** What a prompt really has of what was estimated. */
  ratio: number = UNKNOWN
  #learned = 0

  /** The part of {@link ratio} that is care, and not known. */
  get care(): number {
    return this.#learned === 0 ? this.ratio : 1
  }

  /**
   * A prompt was counted and nobody told how: streams of OpenAI's chat do not unless they are asked to. Care gives way where
   * the provider tells what is left: if estimates are too low, that shows it.
   */
  relax(): void {
    if (this.#learned === 0) this.ratio += NEWS * (1 - this.ratio)
  }

  learn(estimated: number, actual: number): void {
    if (!(estimated > 0) || !(actual >= 0)) return
    const ratio = Math.min(HIGH, Math.max(LOW, actual / estimated))
    this.ratio += Math.max(NEWS, 1 / ++this.#learned) * (ratio - this.ratio)
  }
}
