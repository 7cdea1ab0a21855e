export {
  EngineCache,
  type EngineCacheEntry,
  type EngineCacheKey,
  type EngineCacheOptions,
  type EngineCacheResult,
} from './engine/cache';
export { type ErrorCode, errorTable, TensorRTNodeError } from './errors';
export {
  type LogLevel,
  type LogRecord,
  type LogSink,
  logLevels,
  setLogLevel,
  setLogSink,
} from './log';
