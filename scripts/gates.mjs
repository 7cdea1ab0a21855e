/**
 * Gates for TensorRT's virtual functions.
 *
 *   node scripts/gates.mjs --headers DIR   writes native/trt/gates.json and gates.h from the header sets
 *                                          DIR/<flavor>/<version>/*.h (every version from the floor on;
 *                                          where a release lacks NvOnnxParser.h, the parser's functions count
 *                                          from the next release that has it)
 *   node scripts/gates.mjs --check         compiles the flavour sources and fails on a call of a younger
 *                                          function that stands behind no gate
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { flavorSources, headersOf, headerVersion, ungatedCalls } from './gates/check-calls.mjs';
import { floors, gatesOf, header, makeTable, newestTables, readTable } from './gates/table.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const jsonFile = path.join(root, 'native', 'trt', 'gates.json');
const headerFile = path.join(root, 'native', 'trt', 'gates.h');

function generate(folder) {
  const table = makeTable(folder);
  const gates = gatesOf(table, newestTables(folder, table));
  const content = { floors: table.floors, versions: table.versions, gates };
  writeFileSync(jsonFile, `${JSON.stringify(content, null, 1)}\n`);
  writeFileSync(headerFile, header(gates));
  console.log(
    `${gates.length} gates from ${Object.values(table.versions).flat().length} header sets`,
  );
}

function check() {
  const table = readTable(jsonFile);
  const problems = [];
  for (const flavor of Object.keys(floors)) {
    const headers = headersOf(root, flavor);
    if (!headers) continue;
    const version = headerVersion(headers);
    if (!table.versions[flavor].includes(version)) {
      problems.push(`gates.json knows no ${flavor} ${version}; run scripts/gates.mjs --headers`);
      continue;
    }
    for (const source of flavorSources(root)) {
      problems.push(...ungatedCalls(root, table, flavor, headers, source));
    }
  }
  for (const problem of problems) console.error(problem);
  return problems.length === 0 ? 0 : 1;
}

const { values } = parseArgs({
  options: { headers: { type: 'string' }, check: { type: 'boolean', default: false } },
});
if (values.headers) generate(values.headers);
else if (values.check) process.exitCode = check();
else {
  console.error('Expected --headers DIR or --check');
  process.exitCode = 2;
}
