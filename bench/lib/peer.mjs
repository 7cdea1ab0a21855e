import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

const peers = path.join(import.meta.dirname, '..', 'peers');

/**
 * A Python script under bench/peers that answers each line of JSON on its input with one on its output.
 * The default interpreter is that of TENSORRT_NODE_BENCH_PYTHON; null when there is none. `env` is added to
 * its environment; the default holds numeric libraries to one thread.
 */
export function startPeer(
  script,
  args,
  env = { OMP_NUM_THREADS: '1' },
  python = process.env.TENSORRT_NODE_BENCH_PYTHON,
) {
  if (!python) return null;
  const child = spawn(python, [path.join(peers, script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env, YOLO_VERBOSE: 'False' },
  });
  const waiting = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    // Libraries print notices of their own; answers are objects.
    if (line.startsWith('{')) waiting.shift()?.resolve(JSON.parse(line));
  });
  const fail = (error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  child.on('error', fail);
  child.on('exit', (code) => fail(new Error(`${script} ended with code ${code}`)));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(request)}\n`);
      }),
    end: () => child.stdin.end(),
  };
}
