// A document as it comes, FHIR XML or JSON: read and validated in one go, with what the reader found and what the validator did.
import { type Finding, MioError } from '../error.ts';
import { readJson } from '../json.ts';
import { isObject, type Resource } from '../model.ts';
import type { ToolkitTables } from '../tables.ts';
import { readXml } from '../xml-read.ts';
import { type ValidateOptions, validate } from './validate.ts';

export type DocumentOptions = ValidateOptions & { format: 'xml' | 'json'; maxBytes?: number };

/** MioError of the readers (XML_*, JSON_*, MIO_TOO_LARGE, MIO_NOT_FHIR) where there is nothing to validate. */
export function validateDocument(bytes: Uint8Array, tables: ToolkitTables, options: DocumentOptions): Finding[] {
  const { resource, findings } = read(bytes, tables, options);
  // A value without the form of its type and an unsafe narrative are found by both.
  const told = new Set(findings.filter((one) => /^(?:VALUE_FORM|NARRATIVE_)/.test(one.code)).map((one) => one.path));
  const isTold = ({ code, path }: Finding) => /^MIO_(?:TYPE|FORMAT|NARRATIVE)$/.test(code) && told.has(path);
  return [...findings, ...validate(resource, tables, options).filter((one) => !isTold(one))];
}

function read(
  bytes: Uint8Array,
  tables: ToolkitTables,
  { format, maxBytes }: DocumentOptions,
): { resource: Resource; findings: Finding[] } {
  const limits = maxBytes === undefined ? {} : { maxBytes };
  if (format === 'xml') return readXml(bytes, tables.core.shapes, limits);
  const { value, findings } = readJson(bytes, limits);
  if (!isObject(value) || typeof value.resourceType !== 'string')
    throw new MioError('MIO_NOT_FHIR', 'the JSON is no resource');
  return { resource: { ...value, resourceType: value.resourceType }, findings };
}
