// The house's rules that a machine can judge (style.md B1, B2, B8): who may import whom, sizes, first lines, cycles, and
// the brainpool guard as the first import of every program (SEC-05).
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], { cwd: root, encoding: 'utf8' });
const files = listed.split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
const sources = files.filter((file) => !file.startsWith('test/') && file !== 'vitest.config.ts');

type Import = { from: string; to: string; typeOnly: boolean };

/** Relative imports as paths from the project's root, packages by their name. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const found: Import[] = [];
  for (const match of text.matchAll(/^(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)) {
    const target = match[3] ?? '';
    const to = target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target;
    found.push({ from: file, to, typeOnly: match[2] !== undefined });
  }
  for (const match of text.matchAll(/\bimport\('([^']+)'\)/g)) {
    const target = match[1] ?? '';
    found.push({
      from: file,
      to: target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)) : target,
      typeOnly: false,
    });
  }
  return found;
}

const imports = sources.flatMap(importsOf);
const isOurs = (to: string) => /^(bin|wire|certs|mio|gateway|connector-sim|demo|test)\//.test(to);
const within = (folder: string) => imports.filter((edge) => edge.from.startsWith(folder) && isOurs(edge.to));
const outside = (edges: Import[], allowed: string[]) =>
  edges
    .filter((edge) => !allowed.some((folder) => edge.to.startsWith(folder)))
    .map((edge) => `${edge.from} -> ${edge.to}`);

describe('who may import whom', () => {
  test('wire imports nothing of ours', () => expect(outside(within('wire/'), ['wire/'])).toEqual([]));
  test('certs imports wire only', () => expect(outside(within('certs/'), ['certs/', 'wire/'])).toEqual([]));
  test('mio imports the XML codec only', () =>
    expect(outside(within('mio/'), ['mio/', 'wire/xml.ts', 'wire/error.ts'])).toEqual([]));
  test('nothing of the product needs the compiler of the tables', () =>
    expect(
      imports
        .filter((edge) => edge.to.startsWith('mio/compile') && !edge.from.startsWith('mio/compile'))
        .map((edge) => edge.from),
    ).toEqual([]));
  test('gateway imports mio, certs and wire', () =>
    expect(outside(within('gateway/'), ['gateway/', 'mio/', 'certs/', 'wire/'])).toEqual([]));
  test('the simulator imports certs and wire only, never the gateway or mio', () =>
    expect(outside(within('connector-sim/'), ['connector-sim/', 'certs/', 'wire/'])).toEqual([]));
  test('konnektor and record-system do not know each other, nor exports, api and admin', () => {
    const leaves = [
      'gateway/errors.ts',
      'gateway/log.ts',
      'gateway/metrics.ts',
      'gateway/egress',
      'gateway/smcb-signer.ts',
      'certs/',
      'wire/',
    ];
    expect(outside(within('gateway/konnektor/'), ['gateway/konnektor/', ...leaves])).toEqual([]);
    expect(outside(within('gateway/record-system/'), ['gateway/record-system/', ...leaves])).toEqual([]);
  });
  test('exports knows neither api nor admin', () => {
    const upward = within('gateway/exports/').filter((edge) => /^gateway\/(api|admin)\//.test(edge.to));
    expect(upward).toEqual([]);
  });
  test('webhooks knows exports and egress, neither api nor admin nor what lies at the Konnektor', () => {
    const allowed = ['webhooks/', 'exports/', 'tables/', 'config.ts', 'egress', 'errors.ts', 'log.ts', 'metrics.ts'];
    expect(
      outside(
        within('gateway/webhooks/'),
        allowed.map((path) => `gateway/${path}`),
      ),
    ).toEqual([]);
    expect(within('gateway/exports/').filter((edge) => edge.to.startsWith('gateway/webhooks/'))).toEqual([]);
  });
  test('alarms knows the store, webhooks and egress, and nobody below api, admin and main knows alarms', () => {
    const allowed = [
      'alarms/',
      'exports/',
      'webhooks/',
      'tables/',
      'vault/',
      'config.ts',
      'egress',
      'errors.ts',
      'log.ts',
      'regular-look.ts',
    ];
    expect(
      outside(
        within('gateway/alarms/'),
        allowed.map((path) => `gateway/${path}`),
      ),
    ).toEqual([]);
    const knowing = imports.filter((edge) => edge.to.startsWith('gateway/alarms/') && !edge.typeOnly);
    expect(
      knowing.filter((edge) => /^gateway\/(exports|konnektor|record-system|webhooks|vault)\//.test(edge.from)),
    ).toEqual([]);
  });
  test('errors and log are leaves', () => {
    expect(outside(within('gateway/errors.ts'), ['gateway/tables/'])).toEqual([]);
    expect(outside(within('gateway/log.ts'), ['gateway/errors.ts'])).toEqual([]);
    expect(outside(within('gateway/tables/'), ['gateway/tables/'])).toEqual([]);
  });
  test('no source imports a test, and only the demo imports both sides', () => {
    expect(imports.filter((edge) => edge.to.startsWith('test/')).map((edge) => edge.from)).toEqual([]);
  });
  test('no cycles', () => {
    const graph = new Map<string, string[]>();
    for (const edge of imports.filter((one) => isOurs(one.to) && !one.typeOnly)) {
      graph.set(edge.from, [...(graph.get(edge.from) ?? []), edge.to]);
    }
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      else if (!done.has(file)) {
        for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
        done.add(file);
      }
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

describe('who may do what', () => {
  const using = (pattern: RegExp, allowed: RegExp) =>
    sources.filter((file) => !allowed.test(file) && pattern.test(readFileSync(join(root, file), 'utf8')));

  test('only the configuration and the programs read the environment', () =>
    expect(
      using(
        /process\.env\b/,
        /^(gateway\/config[^/]*\.ts|gateway\/(cli|run-command)\.ts|connector-sim\/cli\.ts|demo\/)/,
      ),
    ).toEqual([]));
  test('only main.ts and the commands end the process', () =>
    expect(using(/process\.exit\(/, /(\/(main|cli|run-command)\.ts$|^demo\/)/)).toEqual([]));
  test('only log.ts and the programs write to stdout', () =>
    expect(
      using(
        /process\.stdout|\bconsole\.(log|info|warn|error|debug)\(/,
        /(^gateway\/log\.ts$|\/(cli|run-command)\.ts$|^demo\/|^mio\/compile\.ts$)/,
      ),
    ).toEqual([]));
  test('nobody calls the two functions that kill Node on a brainpool certificate', () =>
    expect(using(/\.(toLegacyObject|getPeerCertificate|getCertificate)\(/, /^wire\/tls\.ts$/)).toEqual([]));
  test('only the egress module opens connections to the outside', () =>
    expect(
      imports
        .filter((edge) => edge.from.startsWith('gateway/') && !/^gateway\/egress/.test(edge.from))
        .filter(
          (edge) =>
            edge.to === 'undici' ||
            (/^node:(https?|net)$/.test(edge.to) &&
              !/^gateway\/(api|admin|exports)\/|^gateway\/konnektor\/cetp\.ts$/.test(edge.from)),
        )
        .map((edge) => `${edge.from} -> ${edge.to}`),
    ).toEqual([]));
  test('one module each opens SQLite and PostgreSQL, and the lock of the data directory', () =>
    expect(
      imports
        .filter((edge) => !edge.typeOnly && edge.from.startsWith('gateway/'))
        .filter((edge) => /^(pg|node:sqlite|better-sqlite3)$/.test(edge.to))
        .map((edge) => `${edge.from} -> ${edge.to}`),
    ).toEqual([
      'gateway/exports/database.ts -> node:sqlite',
      'gateway/exports/postgres.ts -> pg',
      'gateway/vault/data-directory.ts -> node:sqlite',
    ]));
  test('every program loads the brainpool guard before anything else (SEC-05)', () => {
    const programs = files.filter((file) =>
      /(^|\/)(cli|main)\.ts$|^demo\/demo\.ts$|^test\/(run|check)\.ts$|^test\/conformance\/run\.ts$|^test\/seeds\/run\.ts$|^test\/crash\/(run|several-run|gateway-child)\.ts$/.test(
        file,
      ),
    );
    expect(programs.length).toBeGreaterThan(4);
    const late = programs.filter(
      (file) =>
        !/^(?:(?:\/\/[^\n]*|\s*)\n)*import '(?:\.\.?\/)+wire\/tls\.ts';/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(late).toEqual([]);
  });
});

describe('how files look', () => {
  const linesOf = (file: string) => readFileSync(join(root, file), 'utf8').split('\n').length - 1;
  const measured = sources.filter((file) => !file.includes('/tables/'));

  test('no source file has more than 300 lines', () => {
    expect(measured.filter((file) => linesOf(file) > 300).map((file) => `${file}: ${linesOf(file)}`)).toEqual([]);
  });
  test('every source file says in its first lines what it is', () => {
    expect(sources.filter((file) => !/^(#![^\n]*\n)?\/\/ \S/.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
  test('nobody switches the type checker or the linter off', () => {
    const loose = /@ts-ignore|@ts-expect-error|biome-ignore|: any\b|as any\b|as unknown as/;
    expect(sources.filter((file) => loose.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
  test('a TODO names its issue', () => {
    expect(sources.filter((file) => /\bTODO(?!\(#\d+\))/.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
  test('file names are kebab-case and say what they hold', () => {
    expect(
      sources.filter((file) => !/^[a-z0-9/.-]+$/.test(file) || /(util|helper|common|manager|impl)s?\b/.test(file)),
    ).toEqual([]);
  });
  test('every run-time dependency is pinned exactly and has its line in docs/decisions.md', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const decisions = readFileSync(join(root, 'docs/decisions.md'), 'utf8');
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(Object.keys(all).filter((name) => !decisions.includes(`\`${name}\``))).toEqual([]);
    const packageOf = ({ to }: Import) =>
      to
        .split('/')
        .slice(0, to.startsWith('@') ? 2 : 1)
        .join('/');
    const used = new Set(imports.map(packageOf));
    expect(Object.keys(manifest.dependencies ?? {}).filter((name) => !used.has(name))).toEqual([]);
    const packages = [...used].filter(
      (name) => !name.startsWith('node:') && !builtinModules.includes(name) && !isOurs(`${name}/`),
    );
    // Types are gone before anything runs: their packages may be for development only.
    const run = new Set(imports.filter(({ typeOnly }) => !typeOnly).map(packageOf));
    const runsWithout = (name: string) => manifest.dependencies?.[name] === undefined && run.has(name);
    const unknown = (name: string) => all[name] === undefined;
    expect(packages.filter((name) => runsWithout(name) || unknown(name))).toEqual([]);
  });
});

describe('what must not be in the project', () => {
  test('the gateway knows no vendor of record systems and no name of one (SES-06)', () => {
    // The simulator's vendors are data (connector-sim/tables/vendors.ts), and the gateway gets along with each alike.
    const vendor = /\b(ibm|rise|bitmarck)\b|epa-as-\d/i;
    const code = (file: string) => readFileSync(join(root, file), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '');
    expect(sources.filter((file) => /^(gateway|wire|certs)\//.test(file) && vendor.test(code(file)))).toEqual([]);
  });

  const all = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '' && file !== 'package-lock.json' && existsSync(join(root, file)));

  test('no path of a machine and no registry host', () => {
    const bad = new RegExp(
      ['(^|[^A-Za-z0-9])/(wo' + 'rk|fa' + 'rm)/', 'registry\\.npm' + 'js\\.org', 'deb\\.deb' + 'ian\\.org'].join('|'),
    );
    expect(all.filter((file) => bad.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
});
