// What a JSON body is that is only to be judged (api.md section 2): a content, an export that has one, or FHIR. Its members may
// stand in any order, so it is read whole to know, and what follows is done on the same reading.
import type { Finding } from '../../mio/error.ts';
import { type JsonResult, readJson } from '../../mio/json.ts';
import { isObject } from '../../mio/model.ts';
import { type OpenedContent, type OpenOrder, openRead } from './content.ts';
import { findingOf, type JudgeOrder, judgeRead } from './judge.ts';
import type { Toolkits } from './toolkits.ts';

export type InspectOrder = { bytes: Uint8Array; open: Omit<OpenOrder, 'bytes'>; judge: JudgeOrder };

export type Inspected =
  | { kind: 'unreadable'; finding: Finding }
  /** Judged already. */
  | { kind: 'fhir'; findings: Finding[] }
  /** As `openBody` opens it; `value` of a content is an object with it as its member `content`. */
  | { kind: 'content' | 'export'; value: unknown; content: OpenedContent | undefined };

/** Never throws for what somebody wrote. */
export function inspectBody({ bytes, open, judge }: InspectOrder, toolkits: Toolkits): Inspected {
  let read: JsonResult;
  try {
    read = readJson(bytes, { maxBytes: bytes.length });
  } catch (thrown) {
    return { kind: 'unreadable', finding: findingOf(thrown) };
  }
  const kind = kindOf(read);
  if (kind === 'fhir') return { kind, findings: judgeRead(read, toolkits, judge).findings };
  return { kind, ...openRead(kind === 'content' ? asExport(read) : read, open, toolkits) };
}

function kindOf({ value }: JsonResult): 'content' | 'export' | 'fhir' {
  if (!isObject(value) || typeof value.resourceType === 'string') return 'fhir';
  if (isObject(value.content)) return 'export';
  return 'mode' in value ? 'content' : 'fhir';
}

const asExport = ({ value, findings }: JsonResult): JsonResult => ({
  value: { content: value },
  findings: findings.map((one) => ({ ...one, pointer: `/content${one.pointer ?? ''}` })),
});
