// FHIR XML as text, read over the tables of FHIR R4, and what it is refused with.
import { MioError } from '../../mio/error.ts';
import { CoreTables } from '../../mio/tables.ts';
import { readXml } from '../../mio/xml-read.ts';

export const { shapes } = new CoreTables();
/** The namespace that the root of a resource declares. */
export const FHIR = 'xmlns="http://hl7.org/fhir"';
export const read = (text: string, limits = {}) => readXml(Buffer.from(text), shapes, limits);

/** The code and the line that `text` is refused with; `none`: it is not. */
export function refusal(text: string | Uint8Array, limits = {}): { code: string; line: number | undefined } {
  try {
    readXml(typeof text === 'string' ? Buffer.from(text) : text, shapes, limits);
  } catch (error) {
    if (error instanceof MioError) return { code: error.code, line: error.place.line };
    throw error;
  }
  return { code: 'none', line: undefined };
}
