// Validation of documents as they come, and the same in threads: findings, refusals, several at once, threads that are lost.
import { afterAll, describe, expect, test } from 'vitest';
import { MioError } from '../../../../mio/error.ts';
import { writeJson } from '../../../../mio/json.ts';
import type { FhirValue } from '../../../../mio/model.ts';
import { validateDocument } from '../../../../mio/validate/document.ts';
import { ValidationPool, validateInWorker } from '../../../../mio/validate/in-worker.ts';
import { writeXml } from '../../../../mio/xml-write.ts';
import { core, put, smallDocument, tables, told } from './small-document.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const json = (pointer?: string, value?: FhirValue) => {
  const document = smallDocument();
  if (pointer !== undefined) put(document, pointer, value);
  return bytesOf(writeJson(document));
};
const codeOf = (run: () => unknown) => {
  try {
    run();
    return 'none';
  } catch (error) {
    return error instanceof MioError ? error.code : error;
  }
};

describe('a document as it comes', () => {
  test('without a fault has no finding in XML and in JSON', () => {
    const xml = bytesOf(writeXml(smallDocument(), core.shapes));
    expect(validateDocument(xml, tables, { format: 'xml' })).toEqual([]);
    expect(validateDocument(json(), tables, { format: 'json' })).toEqual([]);
  });

  test('has what its reader finds and what the validator finds, each once', () => {
    const xml = writeXml(smallDocument(), core.shapes)
      .replace('<value value="72.5"/>', '<value value="schwer"/>')
      .replace('<title value="DiGA-Export"/>', '<title value="Export"/>');
    const findings = validateDocument(bytesOf(xml), tables, { format: 'xml' });
    expect(findings.map((one) => `${one.code} ${one.path}`)).toEqual([
      'VALUE_FORM Bundle.entry[5].resource.valueQuantity.value',
      'MIO_FIXED Bundle.entry[0].resource.title',
    ]);
  });

  test.each<[title: string, text: string, format: 'xml' | 'json', code: string]>([
    ['JSON that is none', '{', 'json', 'JSON_MALFORMED'],
    ['JSON that is no resource', '[]', 'json', 'MIO_NOT_FHIR'],
    ['JSON without resourceType', '{"id":"a"}', 'json', 'MIO_NOT_FHIR'],
    ['XML that is no resource', '<a/>', 'xml', 'MIO_NOT_FHIR'],
    ['more bytes than allowed', ' '.repeat(101), 'json', 'MIO_TOO_LARGE'],
  ])('%s is refused', (_title, text, format, code) =>
    expect(codeOf(() => validateDocument(bytesOf(text), tables, { format, maxBytes: 100 }))).toBe(code),
  );
});

describe('in threads', () => {
  const pool = new ValidationPool({ workers: 2 });
  afterAll(() => pool.close());
  const inWorker = (bytes: Uint8Array) => validateInWorker(bytes, { pool, version: '1.1.0', format: 'json' });

  test('the same is found, and the bytes stay', async () => {
    const bytes = json('/timestamp', 'gestern');
    const before = bytes.length;
    expect(await inWorker(bytes)).toEqual(validateDocument(bytes, tables, { format: 'json' }));
    expect(bytes.length).toBe(before);
  });

  test('of more documents than threads each gets its own findings', async () => {
    const wrong = (entry: number) => inWorker(json(`/entry/${entry}/resource/meta/versionId`, 'a b'));
    const all = await Promise.all([1, 2, 3, 4, 5, 6, 7].map(wrong));
    expect(all.map(told)).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((entry) => [`MIO_FORMAT /entry/${entry}/resource/meta/versionId`]),
    );
  });

  test('a refusal is the one of the reader, with its place, and the thread goes on', async () => {
    await expect(inWorker(bytesOf('{"a":1,"a":2}'))).rejects.toMatchObject({
      code: 'JSON_REPEATED',
      place: { pointer: '/a' },
    });
    expect(await inWorker(json())).toEqual([]);
  });

  test('a version without tables is refused', async () => {
    const other = validateInWorker(json(), { pool, version: '9.9.9', format: 'json' });
    await expect(other).rejects.toMatchObject({ code: 'MIO_VERSION_UNKNOWN' });
  });

  test('a thread that runs out of memory is told, and the next document gets another', async () => {
    const small = new ValidationPool({ limits: { maxOldGenerationSizeMb: 24 } });
    const huge = bytesOf(`{"resourceType":"Bundle","entry":[${'{"a":{"b":"c"}},'.repeat(400_000)}{}]}`);
    const lost = validateInWorker(huge, { pool: small, version: '1.1.0', format: 'json' });
    const next = validateInWorker(bytesOf('{'), { pool: small, version: '1.1.0', format: 'json' });
    await expect(lost).rejects.toMatchObject({ code: 'MIO_WORKER_LOST' });
    await expect(next).rejects.toMatchObject({ code: 'JSON_MALFORMED' });
    await small.close();
  });

  test('what a closed pool has not done is refused', async () => {
    const brief = new ValidationPool();
    const runs = [json(), json()].map((bytes) =>
      validateInWorker(bytes, { pool: brief, version: '1.1.0', format: 'json' }),
    );
    const settled = Promise.allSettled(runs);
    await brief.close();
    for (const one of await settled)
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'MIO_WORKER_CLOSED' } });
    await expect(validateInWorker(json(), { pool: brief, version: '1.1.0', format: 'json' })).rejects.toMatchObject({
      code: 'MIO_WORKER_CLOSED',
    });
  });
});
