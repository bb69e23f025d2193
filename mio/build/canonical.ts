// The canonical form of a resource and its keyed digest (mio-diga.md section 10): two resources with the same form say the same,
// however they are spelled in JSON. It takes what is not valid as well, for digests are made before the validator has spoken.
import { createHmac } from 'node:crypto';
import { Decimal, type FhirObject, type FhirValue, isObject, type Resource } from '../model.ts';
import type { Field, Shape, Shapes } from '../shapes.ts';

/** Keyed: a digest that lies in a store must not tell what a guessed resource would tell. 16 bytes as base64url. */
export type Digest = (purpose: 'resource' | 'document', text: string) => string;

const DIGEST_BYTES = 16;

export function keyedDigest(key: Uint8Array): Digest {
  return (purpose, text) =>
    createHmac('sha256', key).update(`${purpose}\n${text}`).digest().subarray(0, DIGEST_BYTES).toString('base64url');
}

/**
 * Names in the order of the schema, names the schema does not have behind them; numbers as they are spelled; without
 * `meta.versionId` and `meta.lastUpdated`, which follow from it.
 */
export function canonicalForm(resource: Resource, shapes: Shapes): string {
  const { meta } = resource;
  const own = isObject(meta)
    ? { ...resource, meta: { ...meta, versionId: undefined, lastUpdated: undefined } }
    : resource;
  return objectForm(own, shapeOfResource(own, shapes), shapes);
}

function valueForm(value: FhirValue, shape: Shape | undefined, shapes: Shapes): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') return String(value);
  if (value instanceof Decimal) return value.text;
  if (Array.isArray(value)) return `[${value.map((one) => valueForm(one, shape, shapes)).join(',')}]`;
  return objectForm(value, shape ?? shapeOfResource(value, shapes), shapes);
}

function objectForm(object: FhirObject, shape: Shape | undefined, shapes: Shapes): string {
  const members: Member[] = [];
  for (const name in object) {
    const value = object[name];
    if (value === undefined) continue;
    const field = shape?.fields.get(name.startsWith('_') ? name.slice(1) : name);
    members.push({ name, value, order: field?.order ?? Number.POSITIVE_INFINITY, field });
  }
  members.sort(inOrder);
  let text = '{';
  for (const { name, value, field } of members) {
    const below = field?.kind === 'complex' || field?.kind === 'primitive' ? shapes.below(field) : undefined;
    text += `${text === '{' ? '' : ','}${quoted(name)}:${valueForm(value, below, shapes)}`;
  }
  return `${text}}`;
}

type Member = { name: string; value: FhirValue; order: number; field: Field | undefined };

const inOrder = (a: Member, b: Member) => (a.order === b.order ? (a.name < b.name ? -1 : 1) : a.order - b.order);

/** Names come from few; those that a caller made up are not kept. */
const QUOTED_AT_MOST = 5000;
const known = new Map<string, string>();

function quoted(name: string): string {
  const before = known.get(name);
  if (before !== undefined) return before;
  const text = JSON.stringify(name);
  if (known.size < QUOTED_AT_MOST) known.set(name, text);
  return text;
}

function shapeOfResource(object: FhirObject, shapes: Shapes): Shape | undefined {
  const type = object.resourceType;
  return typeof type === 'string' && shapes.isResource(type) ? shapes.ofType(type) : undefined;
}
