// What the audit trail knows to tell (SEC-09): one stable dotted name per action. Printed to docs/audit.md.

/** `export.<status>` stands for every status in which an export ends (api.md section 2). */
export const auditActions = {
  'export.accepted':
    'An export was taken; details: the consent reference (EXP-15) and where the KVNR comes from (EXP-20).',
  'export.retry-asked': 'A client asked for the next try of a waiting export.',
  'export.cancel-asked': 'A client asked to cancel an export.',
  'export.written': 'The document is in the record; details: series, version, record system.',
  'export.unchanged': 'The content was that of the newest document; nothing was sent.',
  'export.superseded': 'A newer export of the series took its place; nothing was sent.',
  'export.refused': 'The other side or a rule said a definite no; the result is its code.',
  'export.failed': 'The export can never be written; the result is the code.',
  'export.cancelled': 'The export ended without being sent; the result says why.',
  'content.read': 'A writer of the DiGA read the bytes of an export (D15).',
  'mio.previewed': 'A writer of the DiGA had a document built and read it; nothing was stored (D15, EXP-29).',
  'person.checked': 'A client asked whether and where an insured has a record.',
  'person.revoked': 'The consent of an insured was revoked (EXP-16).',
  'person.forgotten': 'An insured was forgotten (RET-05).',
  'person.holdings-read': 'A client read everything held on an insured (RET-06).',
  'person.kvnr-erased': 'The KVNR of an insured was erased: the time for which it may be held is over (RET-03).',
  'series.imported': 'Document IDs known elsewhere were brought in (OPS-04).',
  'rows.sealed': 'The rows of the store were sealed for the first time; details: how many were there.',
  'keys.rotated': 'A key was replaced by a new one; details: which.',
  'pin.asked':
    'An operator asked for an entry at a card terminal; details: verify, change or unblock, Konnektor, tries left; the result says why it was not begun.',
  'pin.ended': 'An entry at a card terminal ended; details: which, tries left; the result is how.',
  'card.chosen': 'An operator chose the SMC-B that a DiGA uses from now on (KON-09); the result says why not.',
  'webhook.tested': 'A client had a test message sent to a webhook of its DiGA; the result says whether it was taken.',
  'alarm.tested': 'An operator had a test alarm fired; details: how many channels took it.',
  'authentication.failed': 'Callers without a known key were turned away; details: how often within a minute.',
  'access.denied':
    'A known caller asked for what its roles or its DiGA do not cover; details: how often within a minute.',
  'trust.refused':
    'The other side of a connection failed a trust check (SEC-11); the result is the code; details: the check, where, how often within a minute.',
  'audit.read': 'An operator read the audit trail.',
  'audit.verified': 'An operator had the audit trail verified; the result says how it ended.',
  'gateway.started':
    'A gateway took up its work; details: fingerprint of its settings, environment, name of its checkpoint file.',
  'gateway.stopped': 'A gateway ended as asked.',
} as const satisfies Record<string, string>;
