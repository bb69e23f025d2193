// The services the gateway uses and the versions its messages are written for (konnektor.md 2, export-flow.md 1.2), in order of
// preference. Major and minor must be equal, the highest revision wins (ILF 4.1.3). `minRevision`: what our messages need; Crypt
// of ReadCardCertificate exists from CertificateService 6.0.1 on. CardService 8.1 before 8.2: both have the PIN's messages in the
// same shape, and those of 8.1 are judged by its official schema; a Konnektor of PTV6 may have 8.2 alone.

export type ServedVersion = {
  major: number;
  minor: number;
  minRevision: number;
  /** Of the messages; with `#` and the operation it is the SOAPAction. */
  namespace: string;
};

const one = (version: [major: number, minor: number, minRevision: number], namespace: string): ServedVersion => {
  const [major, minor, minRevision] = version;
  return { major, minor, minRevision, namespace: `http://ws.gematik.de/conn/${namespace}` };
};

export const SERVICES = {
  EventService: [one([7, 2, 0], 'EventService/v7.2')],
  CardService: [one([8, 1, 0], 'CardService/v8.1'), one([8, 2, 0], 'CardService/v8.2')],
  CardTerminalService: [one([1, 1, 0], 'CardTerminalService/v1.1')],
  CertificateService: [one([6, 0, 1], 'CertificateService/v6.0')],
  AuthSignatureService: [one([7, 4, 0], 'SignatureService/v7.4')],
} as const satisfies Record<string, readonly ServedVersion[]>;

export type ServiceName = keyof typeof SERVICES;

/** Without one of these no export can be written; CardTerminalService only moves cards. */
export const NEEDED_SERVICES = ['EventService', 'CardService', 'CertificateService', 'AuthSignatureService'] as const;
