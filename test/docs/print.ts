// node bin/launch.js test/docs/print.ts: prints the files of docs/ that come from the code. test/docs.test.ts compares.
import '../../wire/tls.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { printedFiles } from './printed-files.ts';

const root = resolve(import.meta.dirname, '../..');
for (const { path, text } of printedFiles) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text());
  process.stdout.write(`${path}\n`);
}
