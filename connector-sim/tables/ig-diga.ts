// Facts of the published implementation guide "ig-diga" V_1_1 (gematik ePA-XDS-Document 3.1.0-1, igVersion 1.0.0):
// the only document an oid_diga may put into a record. Written as our own table (style.md B3): no guide file is part of the product.

export const DIGA_GUIDE = {
  /** Uploads before this date are refused (README of the implementation guides, "validFrom"). */
  validFrom: '2023-07-01',
  /** Set when a successor is published; uploads from that day on are refused. No such date is published. */
  clientReadOnlyFrom: null as string | null,
  folder: { code: 'diga', codeSystem: '1.2.276.0.76.5.512', display: 'DiGA' },
  typeCode: { code: 'PATD', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.9', display: 'Patienteneigene Dokumente' },
  classCode: { code: 'DUR', codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.8', display: 'Durchführungsprotokoll' },
  formatCode: {
    code: 'urn:gematik:ig:diga:v1.1',
    codeSystem: '1.3.6.1.4.1.19376.3.276.1.5.6',
    display: 'DiGA (gematik) v1.1',
  },
  /** Still in the value set of format codes, but without a guide in ePA 3.x: refused. */
  formatCodesWithoutGuide: ['urn:gematik:ig:diga:v1.0'] as readonly string[],
  mimeTypes: ['application/fhir+xml', 'application/pdf'] as readonly string[],
  /** Deprecated versions kept per RPLC chain; the oldest beyond that is deleted. */
  maxDocumentHistory: 10,
} as const;

/** codeList of the DiGA folder's comment, followed by the Telematik-ID (XDS concept, "Dedizierte Unterstützung von DiGA"). */
export const DIGA_FOLDER_COMMENT = 'urn:gematik:diga:';
