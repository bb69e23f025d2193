// Entries beside each other: ids unique per kind, what they name among the others, and who brought the data.
import { MAX_FINDINGS } from './findings.ts';
import type { Entry, Fault, NamedEntry } from './kind.ts';
import { kindNamed } from './kinds.ts';

type Sound = { entry: Entry; index: number };

/** `unsound` are the places of entries that their own schema refuses: they can be named, and are asked nothing. */
export function entryFaults(entries: readonly unknown[], unsound: ReadonlySet<unknown> = new Set()): Fault[] {
  const named = entries.map((one) => (isEntry(one) ? one : undefined));
  const first = new Map<string, number>();
  const faults: Fault[] = [];
  for (const [index, entry] of named.entries()) {
    if (entry === undefined) continue;
    const key = keyOf(entry.kind, entry.id);
    const path = ['entries', index, 'id'];
    if (first.has(key)) faults.push({ path, code: 'ID_REPEATED', message: 'is the id of another entry of this kind' });
    else first.set(key, index);
  }
  if (faults.length > MAX_FINDINGS) return faults.slice(0, MAX_FINDINGS + 1);
  const sound = named.flatMap((entry, index): Sound[] =>
    entry === undefined || unsound.has(index) ? [] : [{ entry, index }],
  );
  const practitioners = named.filter((entry) => entry?.kind === 'contact').length;
  for (const { entry, index } of sound) {
    if (faults.length > MAX_FINDINGS) break;
    for (const { path, kinds, id, undeclared } of namesOf(entry)) {
      if (undeclared !== undefined || kinds.some((kind) => first.has(keyOf(kind, id)))) continue;
      const message = `names no entry of kind ${kinds.join(' or ')}`;
      faults.push({ path: ['entries', index, ...path], code: 'ENTRY_UNKNOWN', message });
    }
    if (entry.by === 'practitioner' && practitioners !== 1) {
      const message = 'needs exactly one entry of kind contact; where there are more, {contact: id}';
      faults.push({ path: ['entries', index, 'by'], code: 'ENTRY_UNKNOWN', message });
    }
  }
  return faults;
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null;
  return typeof entry === 'object' && typeof entry?.kind === 'string' && typeof entry.id === 'string';
}

export function keyOf(kind: string, id: string): string {
  return `${kind} ${id}`;
}

export function namesOf(entry: Entry): NamedEntry[] {
  return kindNamed(entry.kind)?.names(entry) ?? [];
}
