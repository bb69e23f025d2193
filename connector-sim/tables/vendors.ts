// The two vendors of record systems as data: in what a client may notice whose it speaks to. One line of these is known of one
// vendor (the inner Content-Length, epa-record-system.md 1.6); the others were seen at "one system" or are allowed by the
// specifications, and which vendor does which is our choice (docs/divergences.md). No code beside this file names a vendor.
import type { RecordSystemId } from '../records.ts';

export type VendorProfile = {
  /** HTTP: how the length of an answer outside is told. */
  outerBody: 'content-length' | 'chunked';
  /** Whether the HTTP message inside a frame has a Content-Length (1.6). */
  innerContentLength: boolean;
  /** How maps are written, which lib-vau's Jackson does with indefinite length (1.2). */
  cborMaps: 'definite' | 'indefinite';
  /** What the VAU's error messages say beside the three members of A_24635. */
  moreInErrors: Readonly<Record<string, string | number>>;
  /** What stands before the VAU answers for it when it is full or broken (1.7). */
  infrastructure: 'html' | 'json';
  /** VAU instances behind one address; a VAU-NP leads to the one that knows its user (A_24757). */
  instances: number;
  /** Hex digits of `vau-np` (1.8). */
  vauNpDigits: number;
  /** actorId and displayName beside `vau-np` (export-flow.md 4.6). */
  userInLogin: boolean;
  /** VAU-Status, User-Authentication: `{id}` is the Telematik-ID (1.8). */
  userAuthentication: { user: string; nobody: string };
  /** The OCSP response stapled to the VAU's keys: how it names its signer, and whether the certificate is in it. */
  ocspResponder: 'key' | 'name';
  ocspSignerEmbedded: boolean;
  /** Form of the answer to ITI-41 (4.1). */
  answerForm: 'soap' | 'multipart';
  /** SOAP headers of their own, to be understood (4.1). */
  foreignHeaders: boolean;
  /** The code under which an RPLC target is refused (4.4, 4.5). */
  targetErrorCode: 'XDSRepositoryError' | 'XDSReplaceFailed';
  wording: Wording;
};

/** Texts of refusals; `{id}` stands for the uniqueId or entryUUID in question. */
export type Wording = {
  notEntitled: string;
  targetUnknown: string;
  targetNotApproved: string;
  duplicate: string;
  uniqueIdInUse: string;
  /** errorDetail of JSON errors by errorCode; null: they have none. */
  errorDetail: Readonly<Record<string, string>> | null;
};

export const VENDORS = {
  ibm: {
    outerBody: 'content-length',
    innerContentLength: true,
    cborMaps: 'definite',
    moreInErrors: { 'x-trace': 'TEST-ONLY-0001', Retryable: 0 },
    infrastructure: 'html',
    instances: 1,
    vauNpDigits: 64,
    userInLogin: false,
    userAuthentication: { user: 'Authenticated: {id}', nobody: 'None' },
    ocspResponder: 'key',
    ocspSignerEmbedded: true,
    answerForm: 'multipart',
    foreignHeaders: false,
    targetErrorCode: 'XDSRepositoryError',
    wording: {
      notEntitled: 'The actor of this user session has no valid entitlement for the requested health record',
      targetUnknown: 'Invalid target ID {id} in RPLC association: no such DocumentEntry in this health record',
      targetNotApproved: 'Only an approved DocumentEntry can be target of an RPLC association',
      duplicate: 'A document with the content of {id} is already in the health record',
      uniqueIdInUse: 'The uniqueId or entryUUID {id} is already in use in this registry',
      errorDetail: {
        malformedRequest: 'The request does not conform to the interface description of this operation',
        invalAuth: 'There is no authorised user session for this request, or it has ended',
        invalidOid: 'The role of the user is not allowed to call this operation',
        noHealthRecord: 'There is no health record of this insurant at this provider',
        noResource: 'There is no such resource',
        statusMismatch: 'The state of the health record or of the session does not allow this operation',
      },
    },
  },
  rise: {
    outerBody: 'chunked',
    innerContentLength: false,
    cborMaps: 'indefinite',
    moreInErrors: {},
    infrastructure: 'json',
    instances: 3,
    vauNpDigits: 20,
    userInLogin: true,
    userAuthentication: { user: 'SMC-B [Telematik-ID={id}]', nobody: 'none' },
    ocspResponder: 'name',
    ocspSignerEmbedded: false,
    answerForm: 'soap',
    foreignHeaders: true,
    targetErrorCode: 'XDSReplaceFailed',
    wording: {
      notEntitled: 'keine Befugnis',
      targetUnknown: 'RPLC target {id} not found',
      targetNotApproved: 'RPLC target is deprecated',
      duplicate: 'Duplikat: {id}',
      uniqueIdInUse: 'uniqueId vergeben: {id}',
      errorDetail: null,
    },
  },
} as const satisfies Readonly<Record<string, VendorProfile>>;

export type VendorName = keyof typeof VENDORS;
export const VENDOR_NAMES = Object.keys(VENDORS) as [VendorName, ...VendorName[]];

/** gemSpec_Aktensystem A_24592: the numbers of the two systems and whose they are. */
export const DEFAULT_VENDORS: Readonly<Record<RecordSystemId, VendorName>> = { 'epa-as-1': 'ibm', 'epa-as-2': 'rise' };

/** The text with its `{id}`. */
export function worded(text: string, id = ''): string {
  return text.replace('{id}', id);
}
