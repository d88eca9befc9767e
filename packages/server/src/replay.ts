export { exportHistory, type ExportedLine } from './replay/export-history.ts'
export { replayFile, replayLines, type Replayed, type ReplayOptions } from './replay/replay.ts'
