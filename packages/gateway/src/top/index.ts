export { frame, type FrameOptions } from './frame.ts'
export { readSnapshot, SnapshotError } from './read-snapshot.ts'
export { terminalSize } from './terminal-size.ts'
