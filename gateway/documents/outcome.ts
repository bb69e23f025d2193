// Findings as an OperationOutcome (hl7.org/fhir/R4/operationoutcome.html): where in `expression` and, as a JSON pointer into what
// was sent, in `diagnostics`; what in `details`. Never a value of the document.
import type { Finding } from '../../mio/error.ts';
import { maskPersonal } from '../log.ts';

export const FINDING_SYSTEM = 'urn:epa-gateway:finding';

export function outcomeOf(findings: readonly Finding[]) {
  const issues = findings.map(({ severity, code, path, pointer, line, message }) => ({
    severity,
    code: severity === 'information' ? 'informational' : 'invalid',
    details: {
      coding: [{ system: FINDING_SYSTEM, code }],
      text: line === undefined ? message : `${message} (line ${line})`,
    },
    // Names of elements nobody knows are the caller's text (D15).
    ...(pointer !== undefined && pointer !== '' && { diagnostics: maskPersonal(pointer) }),
    ...(path !== '' && { expression: [maskPersonal(path)] }),
  }));
  const fine = { severity: 'information', code: 'informational', details: { text: 'nothing is wrong' } };
  return { resourceType: 'OperationOutcome', issue: issues.length === 0 ? [fine] : issues };
}
