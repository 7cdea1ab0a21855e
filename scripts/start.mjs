// npm start: from a fresh clone to detections on sample pictures and a real TensorRT engine.
// Only Node's own modules are imported here; what needs packages comes after they are installed.
import { existsSync } from 'node:fs';
import { say } from './lib/console.mjs';
import { buildNative, buildTypeScript, installPackages, setUpSdk } from './prepare/prepare.mjs';
import { formatDuration, fromRoot, printFailure } from './prepare/process.mjs';
import { ensureTools } from './prepare/tools.mjs';

const started = performance.now();
const isFirstTime = !existsSync(fromRoot('lib', 'index.js'));

/** Runs one step and says what it did; `work` answers false when there was nothing to do. */
async function step(title, work) {
  const start = performance.now();
  const did = await work();
  if (did !== false) say('ok', `${title} (${formatDuration(performance.now() - start)})`);
}

async function main() {
  if (isFirstTime)
    say(
      'step',
      'The first time takes a few minutes: packages, SDK, compiling. Later runs take seconds.',
    );
  if (isFirstTime) await step('Tools are here', ensureTools);
  else await ensureTools();
  await step('Packages installed', installPackages);
  await setUpSdk({ live: isFirstTime });
  if (isFirstTime) say('step', 'Compiling the addon, about a minute');
  await step('Addon compiled', buildNative);
  await step('TypeScript compiled', buildTypeScript);
  const { runDemo } = await import('./demo/demo.mjs');
  await runDemo();
  say('ok', `Done in ${formatDuration(performance.now() - started)}`);
}

main().catch((error) => {
  printFailure(error);
  process.exitCode = 1;
});
