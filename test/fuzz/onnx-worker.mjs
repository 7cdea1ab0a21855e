// The service under test: loads mutated models one by one and answers with what became of each. It is started
// by onnx-fuzz.ts, which notices when it dies.
import { createRequire } from 'node:module';

const pkg = createRequire(import.meta.url)('../../lib/index.js');
pkg.setLogLevel('silent');

/** A build that takes longer is ended: a mutated shape can ask for hours. */
const buildTimeoutMs = 30_000;
const builder = new pkg.EngineBuilder();

async function outcome(work) {
  try {
    await work();
    return 'ok';
  } catch (error) {
    // A typed error alone counts as an answer.
    if (!(error instanceof pkg.TensorRTNodeError)) return `untyped: ${error?.stack ?? error}`;
    return error.message.length > 0 ? error.code : `without message: ${error.code}`;
  }
}

const targets = {
  reader: (file) => pkg.readOnnxModel(file),
  session: async (file) => {
    const session = await pkg.Session.create(file, { backend: 'cpu', cpu: { intraOpThreads: 1 } });
    await session.dispose();
  },
  build: (file) =>
    builder.build(file, { flavor: 'rtx1', timeoutMs: buildTimeoutMs, logLevel: 'error' }),
};

process.on('message', async ({ file, target }) => {
  process.send({ outcome: await outcome(() => targets[target](file)) });
});
process.on('disconnect', () => builder.dispose());
