import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireCompiledWorker } from '../helpers/build-process';
import { dataRoot, hasData, projectRoot } from '../helpers/data';
import { type DocPage, type DocStep, readDocPage } from '../helpers/doc-commands';
import { describeWithRtx } from '../helpers/trt';

/** Pages a task: every command that they show has to be run here, or say that it needs a GPU. */
const taskPages = [
  'engine-build.md',
  'cache.md',
  'precision.md',
  'portability.md',
  'fusion.md',
  'inspect.md',
  'troubleshooting.md',
];

const pages = readdirSync(path.join(projectRoot, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .sort()
  .map((name) => readDocPage(path.join('docs', name)));
const pagesWithSteps = pages.filter(({ steps }) => steps.length > 0);

/** The shared test data are not everywhere; what a page takes from the project itself has to be there. */
const lacksData = ({ given }: DocPage): boolean =>
  !hasData && given.some(({ source }) => source.startsWith(dataRoot));

interface Outcome {
  code: number | string;
  output: string;
}

const outcomes = new Map<DocStep, Promise<Outcome>>();
let root = '';

/** Runs a page's steps in their order, in a folder of its own that holds the files its reader has. */
async function runPage(page: DocPage, settle: (step: DocStep, outcome: Outcome) => void) {
  const folder = path.join(root, path.basename(page.file, '.md'));
  const bin = path.join(folder, '.bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(projectRoot, path.join(folder, 'node_modules', 'tensorrt-node'));
  const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');
  script(
    path.join(bin, 'npx'),
    `[ "$1" = tensorrt-node ] || exit 97; shift; exec node '${cli}' "$@"`,
  );
  script(
    path.join(bin, 'npm'),
    `[ "$1" = run ] || exit 97; cd '${projectRoot}' && exec "$REAL_NPM" "$@"`,
  );
  for (const { name, source } of page.given) {
    const target = path.join(folder, name);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(source, target);
    chmodSync(target, 0o644);
  }
  const env = {
    ...process.env,
    PATH: [bin, path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    REAL_NPM: path.join(path.dirname(process.execPath), 'npm'),
    TENSORRT_NODE_ENGINE_CACHE: path.join(folder, '.cache'),
    NO_COLOR: '1',
  };
  for (const step of page.steps) {
    if (step.skipped !== undefined) continue;
    const [command, args] =
      step.kind === 'command' ? ['sh', ['-c', step.text]] : ['node', [snippetFile(folder, step)]];
    settle(
      step,
      await new Promise((resolve) =>
        execFile(
          command as string,
          args as string[],
          { cwd: folder, env, timeout: 60_000 },
          (error, stdout, stderr) =>
            resolve({ code: error?.signal ?? error?.code ?? 0, output: `${stdout}${stderr}` }),
        ),
      ),
    );
  }
}

function script(file: string, text: string): void {
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
}

/** A snippet may use types, `import`, top-level `await` and `await using`, whatever this Node knows of them. */
function snippetFile(folder: string, step: DocStep): string {
  const { outputText } = ts.transpileModule(step.text, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    fileName: 'snippet.ts',
  });
  const file = path.join(folder, `.snippet-${step.line}.js`);
  writeFileSync(
    file,
    `(async () => {\n${outputText}\n})().catch((error) => { console.error(error); process.exitCode = 1; });\n`,
  );
  return file;
}

describe('the task pages', () => {
  it.each(taskPages.map((name) => [name]))('docs/%s shows no command that nothing runs', (name) => {
    const page = pages.find(({ file }) => path.basename(file) === name);
    if (!page) return; // A page that is not written shows none.
    expect(page.unrun).toEqual([]);
    expect(page.steps.length).toBeGreaterThan(0);
  });
});

describeWithRtx('the commands of', () => {
  beforeAll(() => {
    requireCompiledWorker();
    root = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-docs-'));
    const settlers = new Map<DocStep, (outcome: Outcome) => void>();
    for (const step of pagesWithSteps.flatMap(({ steps }) => steps))
      outcomes.set(step, new Promise((resolve) => settlers.set(step, resolve)));
    const waiting = pagesWithSteps.filter((page) => !lacksData(page));
    const work = async () => {
      for (let page = waiting.shift(); page; page = waiting.shift()) {
        try {
          await runPage(page, (step, outcome) => settlers.get(step)!(outcome));
        } catch (error) {
          for (const step of page.steps) settlers.get(step)!({ code: 'none', output: `${error}` });
        }
      }
    };
    for (let lane = 0; lane < 2; lane++) void work();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  describe.each(pagesWithSteps.map((page) => [page.file, page] as const))('%s', (_, page) => {
    for (const step of page.steps) {
      const name = `line ${step.line}: ${step.kind === 'command' ? step.text : 'snippet'}`;
      it.skipIf(step.skipped !== undefined || lacksData(page))(
        name,
        { timeout: 120_000 },
        async () => {
          const { code, output } = await outcomes.get(step)!;
          expect(code, output).toBe(step.exitCode);
        },
      );
    }
  });
});
