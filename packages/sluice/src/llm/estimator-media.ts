/** Tokens of what is not text, by rules of thumb of the providers; the true count comes with the answer. */
export interface MediaTokens {
  /** A picture at low detail. */
  readonly imageLow: number
  /** A picture at high detail, or where nothing is said. */
  readonly image: number
  /** Sound, per kB of base64: some 10 tokens a second at 16 kB a second for MP3, more for what is packed less. */
  readonly audioPerKb: number
  /** A file such as a PDF, per kB of base64. */
  readonly filePerKb: number
  /** A file that is named and not sent along. */
  readonly file: number
}

/** OpenAI: 85 tokens a tile of nothing and 170 each of four tiles (1024 × 1024). */
export const OPENAI_MEDIA: MediaTokens = { imageLow: 85, image: 765, audioPerKb: 1, filePerKb: 15, file: 3000 }

/** Anthropic: width × height ÷ 750, pictures are shrunk to at most about 1,600 tokens. */
export const ANTHROPIC_MEDIA: MediaTokens = { imageLow: 1600, image: 1600, audioPerKb: 1, filePerKb: 30, file: 3000 }
