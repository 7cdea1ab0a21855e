/**
 * Writes src/engine/options/settings.ts and docs/build-options.md from src/engine/options/table.ts. Run after
 * `npm run build:ts`, since the table is read from lib/.
 *
 *   node scripts/build-options.mjs
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { docsPage, settingsInterface } from './options/render.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const { settingTable } = require('../lib/engine/options/table.js');
const { leftOut, structuredTable } = require('../lib/engine/options/beside-table.js');
const { settingGroups, tensorFormats } = require('../lib/engine/options/rule.js');

writeFileSync(
  path.join(root, 'src', 'engine', 'options', 'settings.ts'),
  settingsInterface(settingTable),
);
writeFileSync(
  path.join(root, 'docs', 'build-options.md'),
  docsPage({
    settings: settingTable,
    groups: settingGroups,
    structured: structuredTable,
    leftOut,
    formats: tensorFormats,
  }),
);
