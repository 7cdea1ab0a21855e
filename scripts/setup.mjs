// npm run setup: fetches TensorRT's headers and the TensorRT-RTX libraries into .sdk/. See docs/setup.md.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, say } from './lib/console.mjs';
import { fetchPart, lookUp, sweepStaging } from './lib/sdk/install.mjs';
import { parts } from './lib/sdk/parts.mjs';
import { ChecksumError } from './lib/sdk/problems.mjs';
import { fromRoot, printFailure } from './prepare/process.mjs';

const usage = `npm run setup [-- --tests] [-- --check] [-- --json] [-- --sdk FOLDER]

  --tests       also what only tests need: the TensorRT 10 library (303 MB, 646 MB unpacked) and
                OpenVINO (59 MB, 94 MB unpacked)
  --check       fetch nothing; compare digests; exit code 1 when a part is missing
  --json        print the outcome as JSON, nothing else
  --sdk FOLDER  use another folder than .sdk

Environment: TENSORRT_NODE_SKIP_NVIDIA=1 leaves NVIDIA's libraries out, TENSORRT_NODE_CACHE=FOLDER keeps
downloads, TENSORRT_ROOT names a TensorRT installation to use instead, TENSORRT_NODE_MAVEN_URL another Maven
repository than Maven Central.`;

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        tests: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        sdk: { type: 'string', default: fromRoot('.sdk') },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

async function main() {
  const flags = readFlags();
  if (flags.help) return console.log(usage);
  const sdk = path.resolve(flags.sdk);
  const skipProprietary = ['1', 'true'].includes(process.env.TENSORRT_NODE_SKIP_NVIDIA ?? '');
  const tell = flags.json ? () => {} : say;
  const outcomes = [];
  let isSwept = false;
  for (const part of parts) {
    if (part.testsOnly && !flags.tests) continue;
    let outcome = await lookUp(sdk, part, { deep: flags.check, skipProprietary });
    if (!outcome && flags.check) {
      outcome = { state: 'missing', reason: 'It is absent or altered.', remedy: 'npm run setup' };
    }
    if (!outcome) {
      if (!isSwept) sweepStaging(sdk);
      isSwept = true;
      announce(part, tell);
      outcome = await fetchPart(sdk, part);
    }
    report(part, outcome, tell);
    outcomes.push({ id: part.id, title: part.title, version: part.version, ...outcome });
  }
  if (flags.json) console.log(JSON.stringify({ sdk, parts: outcomes }, null, 2));
  if (flags.check && outcomes.some(({ state }) => state === 'missing')) process.exitCode = 1;
}

/** What is proprietary says so before it is fetched. */
function announce({ title, version, archive, licence, proprietary }, tell) {
  if (!proprietary) return;
  const source = { wheel: 'PyPI', jar: 'Maven Central', crate: 'the Rust registry' }[archive.kind];
  tell(
    'step',
    `${title} ${version}: proprietary software of NVIDIA's\n` +
      `licence  ${licence}\n` +
      `source   ${source}, ${archive.name} ${archive.version}\n` +
      `size     ${formatBytes(archive.bytes)}\n` +
      'TENSORRT_NODE_SKIP_NVIDIA=1 leaves it out.',
  );
}

function report({ title, version }, { state, where, reason, remedy }, tell) {
  const name = `${title} ${version}`;
  const shown = where && (path.relative(process.cwd(), where) || where);
  if (state === 'fetched') tell('ok', `${name}: fetched into ${shown}`);
  else if (state === 'present') tell('ok', `${name}: in ${shown}`);
  else if (state === 'system') tell('ok', `${name}: not fetched, ${where} will do`);
  else if (state === 'left-out') tell('skip', `${name}: left out, ${reason}`);
  else tell('warn', `${name}: missing. ${reason}\n${remedy}`);
}

main().catch((error) => {
  if (error instanceof ChecksumError)
    console.error(`${error.message}. Nothing was installed from it.`);
  else printFailure(error);
  process.exitCode = 1;
});
