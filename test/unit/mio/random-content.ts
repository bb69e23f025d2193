// Random bodies of mode "simple", made by walking the zod schemas: every kind, member, form and code they know, and nothing
// written down beside them. What has not been reached yet is preferred, so that coverage grows with every round.
import { z } from 'zod';
import type { CodeLists } from '../../../mio/build/code-lists.ts';
import { namesOf } from '../../../mio/build/entries.ts';
import type { Entry } from '../../../mio/build/kind.ts';
import { KINDS } from '../../../mio/build/kinds.ts';
import { type Draw, valueOfFormat } from './random-values.ts';

/** Paths that bodies have reached: `score.parts[].code`, `glucose.unit=mg/dL`, `score.value|1`. */
export type Reached = ReadonlySet<string>;

type Setting = { draw: Draw; reached: Set<string>; lists: CodeLists };
/** `often`: per cent of optional members that are there. */
type Place = { path: string; depth: number; often: number };

const TRIES = 2000;

/** Rules between members are known to the schema alone: the first of many values that it takes. */
export function randomValue(schema: z.ZodType, setting: Setting, place: Place): unknown {
  const checked = schema instanceof z.ZodObject && (schema.def.checks ?? []).length > 0;
  if (!checked) return anyValue(schema, setting, place);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const often = tries === 0 ? place.often : setting.draw.below(100);
    const value = anyValue(schema, setting, { ...place, often });
    if (schema.safeParse(value).success) return value;
  }
  throw new Error(`${TRIES} values of ${place.path} were refused by its schema`);
}

function anyValue(schema: z.ZodType, setting: Setting, place: Place): unknown {
  const { draw, reached, lists } = setting;
  const { path, depth, often } = place;
  if (schema instanceof z.ZodObject) {
    const object: Record<string, unknown> = {};
    // Two of its moments would seldom be in order.
    if (schema.meta()?.format === 'period') return asOpen(valueOfFormat(draw, schema.meta(), lists), schema, draw);
    for (const [name, member] of Object.entries(schema.shape as Record<string, z.ZodType>)) {
      const below = { ...place, path: `${path}.${name}` };
      if (member instanceof z.ZodOptional) {
        const inner = member.unwrap() as z.ZodType;
        const wanted = isOpen(inner, below.path, reached) ? often : often * 0.5;
        if (draw.below(100) < wanted && depth <= MAX_DEPTH) object[name] = randomValue(inner, setting, below);
      } else object[name] = randomValue(member, setting, below);
    }
    return object;
  }
  if (schema instanceof z.ZodEnum) {
    return preferred(
      setting,
      (schema.options as string[]).map((code) => [`${path}=${code}`, code]),
    );
  }
  if (schema instanceof z.ZodLiteral) return schema.value;
  if (schema instanceof z.ZodBoolean) return draw.below(2) === 0;
  if (schema instanceof z.ZodLazy)
    return randomValue(schema.unwrap() as z.ZodType, setting, { ...place, depth: depth + 1 });
  if (schema instanceof z.ZodNumber) {
    const [least, most] = [schema.minValue ?? 0, Math.min(schema.maxValue ?? 1000, 1_000_000)];
    return least + draw.below(most - least + 1);
  }
  if (schema instanceof z.ZodArray) {
    const length = 1 + draw.below(depth > 1 ? 1 : 3);
    const item = { ...place, path: `${path}[]` };
    return Array.from({ length }, () => randomValue(schema.element as z.ZodType, setting, item));
  }
  if (schema instanceof z.ZodTuple) {
    return (schema.def.items as z.ZodType[]).map((item) => randomValue(item, setting, { ...place, path: `${path}[]` }));
  }
  if (schema instanceof z.ZodUnion) {
    const options = (schema.options as z.ZodType[]).map((option, index): [string, z.ZodType] => [
      `${path}|${index}`,
      option,
    ]);
    const open = options.filter(([below, option]) => isOpen(option, below, reached));
    const [below, chosen] = draw.one(open.length > 0 && draw.below(5) > 0 ? open : options);
    return randomValue(chosen, setting, { ...place, path: below });
  }
  return valueOfFormat(draw, schema.meta(), lists);
}

/** Where the end may be left out, it is at times. */
function asOpen(period: unknown, schema: z.ZodObject, draw: Draw): unknown {
  if (!(schema.shape.end instanceof z.ZodOptional) || draw.below(2) === 0) return period;
  return { start: (period as { start: string }).start };
}

const MAX_DEPTH = 3;

const known = new Map<string, string[]>();

/** There is something new in it. */
function isOpen(schema: z.ZodType, path: string, reached: Reached): boolean {
  const paths = known.get(path) ?? [path, ...allPaths(schema, path)];
  known.set(path, paths);
  return paths.some((one) => !reached.has(one));
}

/** One that is new, at four of five times: what is new may be what no rule lets through here. */
function preferred<T>({ draw, reached }: Setting, options: [string, T][]): T {
  const open = options.filter(([path]) => !reached.has(path));
  return draw.one(open.length > 0 && draw.below(5) > 0 ? open : options)[1];
}

/** Everything there is to reach. */
export function allPaths(schema: z.ZodType, path: string, seen: ReadonlySet<z.ZodType> = new Set()): string[] {
  if (seen.has(schema) || schema.meta()?.format === 'period') return [];
  const below = (one: unknown, at: string) => allPaths(one as z.ZodType, at, new Set([...seen, schema]));
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([name, member]) => {
      const inner = member instanceof z.ZodOptional ? member.unwrap() : member;
      return [`${path}.${name}`, ...below(inner, `${path}.${name}`)];
    });
  }
  if (schema instanceof z.ZodEnum) return schema.options.map((code) => `${path}=${String(code)}`);
  if (schema instanceof z.ZodLazy) return below(schema.unwrap(), path);
  if (schema instanceof z.ZodArray) return below(schema.element, `${path}[]`);
  if (schema instanceof z.ZodTuple) return schema.def.items.flatMap((item) => below(item, `${path}[]`));
  if (schema instanceof z.ZodUnion) {
    return schema.options.flatMap((option, index) => [`${path}|${index}`, ...below(option, `${path}|${index}`)]);
  }
  return [];
}

/** What a value reaches, told from the value itself. */
export function pathsOf(value: unknown, schema: z.ZodType, path: string): string[] {
  const below = (one: unknown, inner: unknown, at: string) => pathsOf(one, inner as z.ZodType, at);
  if (value === undefined || schema.meta()?.format === 'period') return [];
  if (schema instanceof z.ZodOptional) return below(value, schema.unwrap(), path);
  if (schema instanceof z.ZodObject) {
    return Object.entries(value as object).flatMap(([name, member]) => [
      `${path}.${name}`,
      ...below(member, (schema.shape as Record<string, z.ZodType>)[name], `${path}.${name}`),
    ]);
  }
  if (schema instanceof z.ZodEnum) return [`${path}=${String(value)}`];
  if (schema instanceof z.ZodLazy) return below(value, schema.unwrap(), path);
  if (schema instanceof z.ZodArray)
    return (value as unknown[]).flatMap((one) => below(one, schema.element, `${path}[]`));
  if (schema instanceof z.ZodTuple) {
    return (value as unknown[]).flatMap((one, index) => below(one, schema.def.items[index], `${path}[]`));
  }
  if (schema instanceof z.ZodUnion) {
    const index = schema.options.findIndex((option) => (option as z.ZodType).safeParse(value).success);
    return [`${path}|${index}`, ...below(value, schema.options[index], `${path}|${index}`)];
  }
  return [];
}

type Made = { kind: string; id: string };

/** Of kinds that are not done there are more. */
const MORE = 5;

/** One entry of every kind or more, and those that they name and are not there. `reached` grows with each. */
export function randomEntries(setting: Setting): Entry[] {
  const schemas = new Map(KINDS.map((kind) => [kind.kind, kind.schema(setting.lists)]));
  const { draw, reached, lists } = setting;
  const entries: Entry[] = [];
  const add = ({ kind, id }: Made) => {
    const schema = schemas.get(kind);
    if (schema === undefined) throw new Error(`an entry names one of the unknown kind ${kind}`);
    const entry = randomValue(schema, setting, { path: kind, depth: 0, often: draw.below(100) }) as Entry;
    entries.push({ ...entry, id });
    for (const path of pathsOf(entry, schema, kind)) reached.add(path);
  };
  const few = draw.below(2) === 0;
  for (const { kind, schema } of KINDS) {
    const open = isOpen(schema(lists), kind, reached);
    const count = open && !(few && kind === 'contact') ? MORE : 1;
    for (let index = 0; index < count; index += 1) add({ kind, id: `${kind}${index}` });
  }
  // Some bodies have one entry of each kind, others what is named. The list grows while it is walked.
  for (const entry of entries) {
    for (const { kinds, id, path } of namesOf(entry)) {
      const there = entries.filter(({ kind }) => kinds.includes(kind));
      if (there.some((one) => one.id === id)) continue;
      if (few || entries.length >= MAX_ENTRIES) setAt(entry, path, draw.one(there).id);
      else add({ kind: draw.one(kinds), id });
    }
  }
  const only = entries.filter(({ kind }) => kind === 'contact').length === 1;
  for (const entry of entries) if (entry.by === 'practitioner' && !only) delete entry.by;
  return entries;
}

const MAX_ENTRIES = 150;

function setAt(value: unknown, [first = '', ...rest]: readonly (string | number)[], text: string): void {
  const object = value as Record<string | number, unknown>;
  if (rest.length === 0) object[first] = text;
  else setAt(object[first], rest, text);
}
