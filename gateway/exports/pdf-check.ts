// Checks a PDF before 202 (D5, D24) while it comes in, piece by piece; nothing of it is held. Findings never hold a value.
import type { Finding } from './finding.ts';

export type PdfCheck = {
  write(bytes: Uint8Array): void;
  /** After the last piece; none: may be accepted. */
  end(): Finding[];
};

const PDF_NAMES = new Set(['JavaScript', 'JS', 'Rendition', 'EmbeddedFile', 'EmbeddedFiles', 'Encrypt']);
const PDF_HEAD = '%PDF-';
/** The EOF marker stands in the last kilobyte (ISO 32000-1, annex H.3, note 18). */
const PDF_TAIL = 1024;
/** Longer than any of the names with every character escaped: what is longer is none of them. */
const PDF_NAME = 64;

/** D24: header, EOF marker, no JavaScript, no attachments, no encryption. */
export function openPdfCheck(pointer: string): PdfCheck {
  const findings: Finding[] = [];
  const add = (code: string, message: string) => findings.push({ pointer, path: '', code, message });
  const names = new Set<string>();
  let head = '';
  let tail = '';
  /** A name that the last piece may have cut. */
  let cut = '';
  const look = (text: string) => {
    for (const [, name = ''] of text.matchAll(/\/((?:[A-Za-z0-9]|#[0-9A-Fa-f]{2})+)/g)) {
      const plain = name.includes('#')
        ? name.replace(/#([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
        : name;
      if (PDF_NAMES.has(plain)) names.add(plain);
    }
  };
  return {
    write: (bytes) => {
      // Latin-1 keeps bytes as characters; names may be written with #xx escapes (ISO 32000-1, 7.3.5).
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
      if (head.length < PDF_HEAD.length) head = (head + text).slice(0, PDF_HEAD.length);
      tail = (tail + text).slice(-PDF_TAIL);
      const joined = cut + text;
      cut = /\/[A-Za-z0-9#]*$/.exec(joined.slice(-PDF_NAME))?.[0] ?? '';
      look(joined.slice(0, joined.length - cut.length));
    },
    end: () => {
      look(cut);
      if (head !== PDF_HEAD) add('PDF_HEADER', 'does not begin as a PDF');
      if (!tail.includes('%%EOF')) add('PDF_EOF', 'does not end as a PDF');
      // /JS alone is three bytes that compressed data holds by chance; it acts only in actions of these two types (12.6.4).
      if (names.has('JavaScript') || (names.has('JS') && names.has('Rendition')))
        add('PDF_JAVASCRIPT', 'contains JavaScript');
      if (names.has('EmbeddedFile') || names.has('EmbeddedFiles')) add('PDF_ATTACHMENT', 'contains attachments');
      if (names.has('Encrypt')) add('PDF_ENCRYPTED', 'is encrypted');
      return findings;
    },
  };
}
