import { createReadStream } from 'node:fs'
import { InputError } from './input-error.ts'

/**
 * The text of a file, or of a pipe, that may not be larger than that.
 * @param most bytes
 * @throws InputError for a file that cannot be read, is larger, or is not UTF-8
 */
export async function boundedText(path: string, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > most) throw new InputError(`${path}: larger than ${most / 1024} KiB`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof InputError) throw error
    throw new InputError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new InputError(`${path}: not UTF-8`)
  }
}
