// Control calls about records and documents (api.md section 4): what the insured does in the app of the insurer, and what
// an assertion wants to see. Exempt from D15: it takes every KVNR with a right check digit; use invented ones.

import { jsonAnswer } from '../http-server.ts';
import { isKvnr } from '../kvnr.ts';
import { changeRecord, createRecord, type SimRecord, type StoredDocument, type TrimmedDocument } from '../records.ts';
import { accept, type Finding, Refusal } from '../refusal.ts';
import { recordChangeSchema } from '../scenario.ts';
import type { ControlDeps, ControlRoute } from './route.ts';
import { flagOf, queryOf } from './route.ts';

export function recordView(record: SimRecord): Record<string, unknown> {
  return {
    kvnr: record.kvnr,
    recordSystem: record.recordSystem,
    status: record.status,
    entitled: [...record.entitled],
    hidden: record.hidden,
    keepIds: record.keepIds,
    documents: record.documents.map(documentView),
    trimmed: record.trimmed.map(documentView),
  };
}

function documentView(document: StoredDocument | TrimmedDocument): Record<string, unknown> {
  return {
    entryUuid: document.entryUuid,
    uniqueId: document.uniqueId,
    status: document.status,
    replaces: document.replaces,
    bytes: typeof document.bytes === 'number' ? document.bytes : document.bytes.length,
    sha256: document.sha256,
    mimeType: document.mimeType,
    classCode: document.classCode,
    typeCode: document.typeCode,
    formatCode: document.formatCode,
    title: document.title,
    telematikId: document.telematikId,
    receivedAt: document.receivedAt,
  };
}

export function recordRoutes({ parts }: ControlDeps): ControlRoute[] {
  const { world } = parts;
  const recordOf = (kvnr: string | undefined): SimRecord => {
    const record = kvnr === undefined ? undefined : world.records.get(kvnr);
    if (record === undefined) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such record' });
    return record;
  };
  const documentOf = (params: Record<string, string>) => {
    const record = recordOf(params.kvnr);
    const document = record.documents.find((d) => d.entryUuid === params.entryUuid);
    if (document === undefined) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'no such document' });
    return { record, document };
  };
  return [
    {
      method: 'PUT',
      path: '/sim/records/{kvnr}',
      run({ params, body }) {
        const kvnr = params.kvnr ?? '';
        const findings: Finding[] = [];
        if (!isKvnr(kvnr)) {
          findings.push({
            pointer: '/kvnr',
            code: 'kvnr',
            message: 'the KVNR of the address has no right check digit',
          });
        }
        const change = collect(() => accept(recordChangeSchema, body()), findings);
        const known = world.records.get(kvnr);
        if (known === undefined && change !== undefined && change.recordSystem === undefined) {
          findings.push({ pointer: '/recordSystem', code: 'missing', message: 'a new record needs its record system' });
        }
        if (findings.length > 0 || change === undefined) {
          throw new Refusal({ status: 422, code: 'BODY_INVALID', message: 'the record is not acceptable', findings });
        }
        if (known !== undefined) {
          changeRecord(known, change);
          return jsonAnswer(200, recordView(known));
        }
        const record = createRecord(kvnr, change.recordSystem ?? 'epa-as-1', change);
        world.records.set(kvnr, record);
        return jsonAnswer(201, recordView(record));
      },
    },
    {
      method: 'GET',
      path: '/sim/records/{kvnr}',
      run: ({ params }) => jsonAnswer(200, recordView(recordOf(params.kvnr))),
    },
    {
      method: 'GET',
      path: '/sim/records/{kvnr}/documents',
      run({ params, request }) {
        const record = recordOf(params.kvnr);
        const { trimmed } = queryOf(request, ['trimmed']);
        const documents = flagOf(trimmed, 'trimmed') ? [...record.trimmed, ...record.documents] : record.documents;
        return jsonAnswer(200, documents.map(documentView));
      },
    },
    {
      method: 'GET',
      path: '/sim/records/{kvnr}/documents/{entryUuid}',
      run({ params }) {
        const { document } = documentOf(params);
        return { status: 200, headers: [['Content-Type', document.mimeType]], body: document.bytes };
      },
    },
    {
      method: 'DELETE',
      path: '/sim/records/{kvnr}/documents/{entryUuid}',
      run({ params }) {
        const { record, document } = documentOf(params);
        record.documents = record.documents.filter((d) => d !== document);
        return { status: 204, headers: [], body: '' };
      },
    },
  ];
}

/** Runs a check and adds what it refuses, so that address and body are judged together; other errors pass. */
function collect<T>(check: () => T, findings: Finding[]): T | undefined {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Refusal) || error.findings.length === 0) throw error;
    findings.push(...error.findings);
    return undefined;
  }
}
