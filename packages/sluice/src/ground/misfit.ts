import { Rejection } from './rejection.ts'

/** The refusal of what would never fit: coming back is pointless, and it says so. Its `load` is what it needs by itself. */
export class Misfit extends Rejection {
  override readonly never = true
}
