// Value sets as lists of codes (hl7.org/fhir/R4/valueset.html). What only a terminology server could list (filters over
// SNOMED CT, code systems that no package contains) becomes "every code of the system" and is named in the report.
import type { ValueSetTable } from '../table-format.ts';
import type { Registry } from './packages.ts';
import type { Concept, Expanded, Include, ValueSet } from './structure.ts';
import { nameOf, withoutVersion } from './structure.ts';

type System = { system: string; version?: string; codes?: Map<string, string> };

/** Bound in the packages and not published with them (../shared/mio/SOURCE.md): every code of the system is let through. */
const NOT_PUBLISHED: Record<string, string> = {
  KBV_VS_Base_Allergy_Substance_SNOMED_CT: 'http://snomed.info/sct',
  KBV_VS_Base_Diagnosis_SNOMED_CT: 'http://snomed.info/sct',
  KBV_VS_Base_Procedure_SNOMED_CT: 'http://snomed.info/sct',
};

/** Beyond this many codes displays are left out: nobody picks from such a list, and it would double the tables. */
const WITH_DISPLAYS = 1000;

export function valueSetTable(
  url: string,
  registry: Registry,
  report: (line: string) => void,
): ValueSetTable | undefined {
  const valueSet = registry.valueSets.get(withoutVersion(url));
  const system = NOT_PUBLISHED[nameOf(url)];
  if (valueSet === undefined && system !== undefined) {
    report(`system only: ${nameOf(url)} ${system}`);
    return { name: nameOf(url), url: withoutVersion(url), systems: [{ system }] };
  }
  if (valueSet === undefined) {
    report(`not in the packages, not checked: ${url}`);
    return undefined;
  }
  const listed = listedCodes(valueSet);
  const systems: System[] = [];
  for (const include of valueSet.compose?.include ?? [])
    addInclude(systems, include, { registry, report, url, listed });
  for (const exclude of valueSet.compose?.exclude ?? []) remove(systems, exclude, url);
  return {
    name: nameOf(url),
    url: withoutVersion(url),
    systems: systems.map(({ system, version, codes }) => ({
      system,
      ...(version === undefined ? {} : { version }),
      ...(codes === undefined ? {} : { codes: compact(codes) }),
    })),
  };
}

function compact(codes: Map<string, string>): Record<string, string> | string {
  const names = [...codes.keys()];
  if (names.some((code) => /\s/.test(code)) || names.length <= WITH_DISPLAYS) return Object.fromEntries(codes);
  return names.sort().join(' ');
}

type Context = {
  registry: Registry;
  report: (line: string) => void;
  url: string;
  listed: Map<string, Map<string, string>>;
};

/** What the publisher's terminology server found, by system. */
function listedCodes(valueSet: ValueSet): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  const visit = (all: readonly Expanded[]): void => {
    for (const { system = '', code, display = '', contains = [] } of all) {
      if (code !== undefined) found.set(system, (found.get(system) ?? new Map()).set(code, display));
      visit(contains);
    }
  };
  visit(valueSet.expansion?.contains ?? []);
  return found;
}

function addInclude(systems: System[], include: Include, context: Context): void {
  const { registry, report, url, listed } = context;
  for (const inner of include.valueSet ?? []) {
    const set = registry.valueSets.get(withoutVersion(inner));
    if (set === undefined) report(`includes a value set that is not in the packages: ${url} ${inner}`);
    for (const one of set?.compose?.include ?? [])
      if (set !== undefined) addInclude(systems, one, { ...context, listed: listedCodes(set) });
  }
  if (include.system === undefined) return;
  const target = systemOf(systems, include);
  const codes =
    include.concept === undefined
      ? (allCodes(include, registry) ?? listed.get(include.system))
      : conceptsOf(include.concept, include, registry);
  if (codes === undefined) {
    report(`system only: ${nameOf(url)} ${include.system}`);
    delete target.codes;
    return;
  }
  for (const [code, display] of codes) target.codes?.set(code, display);
}

function systemOf(systems: System[], include: Include): System {
  const known = systems.find((one) => one.system === include.system && one.version === include.version);
  if (known !== undefined) return known;
  const added: System = {
    system: include.system ?? '',
    ...(include.version === undefined ? {} : { version: include.version }),
    codes: new Map(),
  };
  systems.push(added);
  return added;
}

function conceptsOf(concepts: readonly Concept[], include: Include, registry: Registry): Map<string, string> {
  const system = registry.codeSystems.get(include.system ?? '');
  const displays = system === undefined ? new Map<string, string>() : flat(system.concept ?? []);
  return new Map(concepts.map((one) => [one.code, one.display ?? displays.get(one.code) ?? '']));
}

/** All codes of a code system that a package contains; a filter only where R4 itself uses it: `concept is-a CODE`. */
function allCodes(include: Include, registry: Registry): Map<string, string> | undefined {
  const system = registry.codeSystems.get(include.system ?? '');
  if (system === undefined || system.content !== 'complete' || system.concept === undefined) return undefined;
  const filters = include.filter ?? [];
  if (filters.length === 0) return flat(system.concept);
  const [filter] = filters;
  if (filters.length > 1 || filter?.property !== 'concept' || !/^(is-a|descendent-of)$/.test(filter.op))
    return undefined;
  const root = find(system.concept, filter.value);
  if (root === undefined) return undefined;
  return flat(filter.op === 'is-a' ? [root] : (root.concept ?? []));
}

function flat(concepts: readonly Concept[], into = new Map<string, string>()): Map<string, string> {
  for (const one of concepts) {
    into.set(one.code, one.display ?? '');
    flat(one.concept ?? [], into);
  }
  return into;
}

function find(concepts: readonly Concept[], code: string): Concept | undefined {
  for (const one of concepts) {
    const found = one.code === code ? one : find(one.concept ?? [], code);
    if (found !== undefined) return found;
  }
  return undefined;
}

function remove(systems: System[], exclude: Include, url: string): void {
  if (exclude.concept === undefined) throw new Error(`${url} excludes something else than listed codes`);
  for (const one of systems.filter((each) => each.system === exclude.system)) {
    for (const { code } of exclude.concept) one.codes?.delete(code);
  }
}
