// Releases of the record systems as far as a DiGA's client notices them, as data (gematik's release notes of ePA-Basic up to
// 3.1.3-1; epa-record-system.md 1.6, 2.1, 2.4, 3.1). Only release notes of the later ones were read (section 6), so each line
// is what they say and no more.

export type Release = {
  /** X-Request-ID is a required parameter of the published OpenAPI; a UUID. */
  requestIdDemanded: boolean;
  /** A submission with several faulty documents: an error for each, with its uniqueId in codeContext (A_28657, C_12506). */
  errorPerDocument: boolean;
  /** getNonce in an authorised session is 409, as send_authorization_request_sc always was. */
  nonceRefusedWhenAuthorised: boolean;
  /** `exp` of the client attestation, and so its life, is checked. */
  attestationExpiryChecked: boolean;
};

export const RELEASES = {
  '3.0.5': {
    requestIdDemanded: false,
    errorPerDocument: false,
    nonceRefusedWhenAuthorised: false,
    attestationExpiryChecked: true,
  },
  '3.1.2': {
    requestIdDemanded: true,
    errorPerDocument: false,
    nonceRefusedWhenAuthorised: false,
    attestationExpiryChecked: true,
  },
  '3.1.3': {
    requestIdDemanded: true,
    errorPerDocument: true,
    nonceRefusedWhenAuthorised: true,
    attestationExpiryChecked: false,
  },
} as const satisfies Readonly<Record<string, Release>>;

export type ReleaseName = keyof typeof RELEASES;
export const RELEASE_NAMES = Object.keys(RELEASES) as [ReleaseName, ...ReleaseName[]];
