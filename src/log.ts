/** Levels from loudest to quietest; `silent` turns everything off. */
export const logLevels = ['verbose', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogRecord {
  level: Exclude<LogLevel, 'silent'>;
  /** Who speaks: `tensorrt`, `build`, `session`, `vision`, … */
  source: string;
  message: string;
}

export type LogSink = (record: LogRecord) => void;

let threshold: LogLevel = readLevel(process.env.TENSORRT_NODE_LOG) ?? 'warn';
let sink: LogSink = ({ level, source, message }) => {
  process.stderr.write(`[tensorrt-node] ${level} ${source}: ${message}\n`);
};

function readLevel(text: string | undefined): LogLevel | undefined {
  return logLevels.find((level) => level === text);
}

/** Sets the lowest level that is passed on. Default `warn`, or what `TENSORRT_NODE_LOG` names. */
export function setLogLevel(level: LogLevel): void {
  threshold = level;
}

/** Sends records to `next` instead of stderr: for pino, winston or a test. A throwing sink is ignored. */
export function setLogSink(next: LogSink): void {
  sink = next;
}

export function log(level: LogRecord['level'], source: string, message: string): void {
  if (logLevels.indexOf(level) < logLevels.indexOf(threshold)) return;
  try {
    sink({ level, source, message });
  } catch {
    // A logger must never take the caller down.
  }
}
