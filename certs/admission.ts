// The admission extension (OID 1.3.36.8.3.3, Common PKI part 1; gemSpec_PKI): which profession a certificate holder has
// in the Telematikinfrastruktur, and under which Telematik-ID. The role decides what a certificate may be used for
// (CRT-06), so everything in it is read, not only its first entry.
import * as asn1js from 'asn1js';
import { type Asn1, contextTag, decodeDer, encodeDer, members, oidText, sequence } from './der.ts';
import { CertError } from './error.ts';

export const ADMISSION_OID = '1.3.36.8.3.3';

/** Profession OIDs of gemSpec_OID that this project judges by. */
export const ROLE = {
  /** Maker of a DiGA (SMC-B): the only role whose documents land in the DiGA folder. */
  diga: '1.2.276.0.76.4.282',
  /** Trusted execution environment of a record system (A_24624-01). */
  epaVau: '1.2.276.0.76.4.209',
  /** Signer of the IDP-Dienst's discovery document. */
  idpd: '1.2.276.0.76.4.260',
  /** Record system's TLS server, "ePA Dokumentenverwaltung" (C.FD.TLS-S). */
  epaDvw: '1.2.276.0.76.4.206',
} as const;

/** All entries of the extension in order; the registration number is the Telematik-ID. */
export type Admission = {
  professionItems: string[];
  professionOids: string[];
  registrationNumber: string | undefined;
};

/** Value of the extension: one ProfessionInfo, six SEQUENCEs above its first profession item. */
export function encodeAdmission(a: Admission): Uint8Array {
  const professionInfo = sequence(
    sequence(...a.professionItems.map((value) => new asn1js.Utf8String({ value }))),
    sequence(...a.professionOids.map((value) => new asn1js.ObjectIdentifier({ value }))),
    ...(a.registrationNumber === undefined ? [] : [new asn1js.PrintableString({ value: a.registrationNumber })]),
  );
  const admissions = sequence(sequence(professionInfo));
  return encodeDer(sequence(sequence(admissions)));
}

function directoryString(block: unknown): string {
  if (block instanceof asn1js.Utf8String || block instanceof asn1js.PrintableString) return block.getValue();
  if (block instanceof asn1js.BmpString || block instanceof asn1js.TeletexString) return block.getValue();
  throw new CertError('CERT_UNREADABLE', 'admission: profession item is no DirectoryString');
}

type ProfessionInfo = { items: string[]; oids: string[]; registrationNumber: string | undefined };

/** ProfessionInfo ::= SEQUENCE { [0] namingAuthority?, items, OIDs?, registrationNumber?, addProfessionInfo? } */
function readProfessionInfo(block: unknown): ProfessionInfo {
  const rest = members(block);
  if (contextTag(rest[0]) === 0) rest.shift();
  const items = members(rest.shift()).map(directoryString);
  const oids = rest[0] instanceof asn1js.Sequence ? members(rest.shift()).map(oidText) : [];
  const number = rest[0] instanceof asn1js.PrintableString ? rest.shift() : undefined;
  if (rest[0] instanceof asn1js.OctetString) rest.shift();
  if (rest.length > 0) throw new CertError('CERT_UNREADABLE', 'admission: unknown member of ProfessionInfo');
  return { items, oids, registrationNumber: number instanceof asn1js.PrintableString ? number.getValue() : undefined };
}

/** Admissions ::= SEQUENCE { [0] admissionAuthority?, [1] namingAuthority?, professionInfos } */
function readAdmissions(block: unknown): ProfessionInfo[] {
  const rest = members(block).filter((b) => contextTag(b) !== 0 && contextTag(b) !== 1);
  if (rest.length !== 1) throw new CertError('CERT_UNREADABLE', 'admission: professionInfos expected');
  return members(rest[0]).map(readProfessionInfo);
}

/**
 * Reads the extension's value. A second, different registration number is refused, since nothing would say whose
 * Telematik-ID counts. Throws CertError CERT_UNREADABLE.
 */
export function readAdmission(value: Uint8Array): Admission {
  const syntax: Asn1 = decodeDer(value);
  const parts = members(syntax);
  // admissionAuthority is a GeneralName, always context-tagged; the contents follow as the only SEQUENCE.
  const contents = parts.filter((b) => contextTag(b) === undefined);
  if (contents.length !== 1 || parts.length > 2) {
    throw new CertError('CERT_UNREADABLE', 'admission: contentsOfAdmissions expected');
  }
  const infos = members(contents[0]).flatMap(readAdmissions);
  const numbers = new Set(infos.map((i) => i.registrationNumber).filter((n) => n !== undefined));
  if (numbers.size > 1) throw new CertError('CERT_UNREADABLE', 'admission: more than one registration number');
  return {
    professionItems: infos.flatMap((i) => i.items),
    professionOids: infos.flatMap((i) => i.oids),
    registrationNumber: [...numbers][0],
  };
}
