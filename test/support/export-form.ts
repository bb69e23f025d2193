// Bodies of multipart/form-data for tests, byte by byte: right ones, and every way to be wrong.

import { mioBundle } from './gateway-fakes.ts';
import { exportBody } from './gateway-server.ts';

export const BOUNDARY = '-----------------test-boundary';
export const FORM = `multipart/form-data; boundary=${BOUNDARY}`;

export type PartOfForm = { name: string; type?: string; headers?: string[]; content: string | Uint8Array };

/** The head of one part with its delimiter, as it stands on the wire. */
export const partHead = ({ name, type, headers = [] }: Omit<PartOfForm, 'content'>, boundary = BOUNDARY) =>
  [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${name}"; filename="f"`,
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ...headers,
    '',
    '',
  ].join('\r\n');

export function formOf(parts: readonly PartOfForm[], o: { boundary?: string; end?: string } = {}): Buffer {
  const boundary = o.boundary ?? BOUNDARY;
  const pieces = parts.flatMap((p) => [
    Buffer.from(partHead(p, boundary)),
    Buffer.from(p.content),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(o.end ?? `--${boundary}--\r\n`)]);
}

/** The part `export` of a right order. */
export const exportPartOf = (change: Record<string, unknown> = {}): PartOfForm => ({
  name: 'export',
  type: 'application/json',
  content: JSON.stringify(exportBody({ content: { mode: 'document', mimeType: 'application/fhir+xml' }, ...change })),
});
export const documentPart = (content: string | Uint8Array = mioBundle('one')): PartOfForm => ({
  name: 'document',
  type: 'application/fhir+xml',
  content,
});
export const pdfPart = (content: string | Uint8Array = '%PDF-1.7\n%%EOF\n'): PartOfForm => ({
  name: 'pdf',
  type: 'application/pdf',
  content,
});
