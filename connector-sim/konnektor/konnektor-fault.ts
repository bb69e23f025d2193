// A gematik error and its GERROR:Error element (TelematikError.xsd 2.0.0): inside a SOAP fault, or as a warning inside
// CONN:Status (konnektor.md 1, 4).
import { randomUUID } from 'node:crypto';
import { type Markup, xml } from '../../wire/xml.ts';
import { KONNEKTOR_ERRORS } from '../tables/konnektor-errors.ts';
import { NS } from './namespaces.ts';

export class KonnektorFault extends Error {
  readonly code: number;

  /** `detail` names what was wrong in words of the schema, never a value. */
  constructor(code: number, detail?: string) {
    super(detail ?? errorText(code));
    this.name = 'KonnektorFault';
    this.code = code;
  }
}

export function errorText(code: number): string {
  return KONNEKTOR_ERRORS[code]?.text ?? `Fehler ${code}`;
}

/** GERROR:Error with one Trace, which as the last one carries the gematik code (KON A_14159). `now` in ms. */
export function telematikError(o: {
  code: number;
  now: number;
  severity: 'Error' | 'Warning';
  detail?: string;
}): Markup {
  const g = (name: string, text: string) => xml(`GERROR:${name}`, {}, text);
  return xml(
    'GERROR:Error',
    { 'xmlns:GERROR': NS.GERROR },
    g('MessageID', randomUUID()),
    g('Timestamp', new Date(o.now).toISOString()),
    xml(
      'GERROR:Trace',
      {},
      g('EventID', randomUUID()),
      g('Instance', 'SIM-KON-1'),
      g('LogReference', randomUUID()),
      g('CompType', 'Konnektor'),
      g('Code', String(o.code)),
      g('Severity', o.severity),
      g('ErrorType', KONNEKTOR_ERRORS[o.code]?.type ?? 'Technical'),
      g('ErrorText', errorText(o.code)),
      o.detail === undefined ? undefined : g('Detail', o.detail),
    ),
  );
}

/** CONN:Status OK, or Warning with its error. */
export function status(warning?: Markup): Markup {
  return xml('CONN:Status', {}, xml('CONN:Result', {}, warning === undefined ? 'OK' : 'Warning'), warning);
}
