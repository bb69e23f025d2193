// The services the gateway uses and the version each call is written for (konnektor.md 2, export-flow.md 1.2).
// Major and minor must be equal, the highest revision wins (ILF 4.1.3). `minRevision`: what our messages need; Crypt of
// ReadCardCertificate exists from CertificateService 6.0.1 on. CardService 8.2 (PTV6) may stand beside 8.1 and is not needed.

export const SERVICES = {
  EventService: { major: 7, minor: 2, minRevision: 0, action: 'http://ws.gematik.de/conn/EventService/v7.2' },
  CardService: { major: 8, minor: 1, minRevision: 0, action: 'http://ws.gematik.de/conn/CardService/v8.1' },
  CardTerminalService: {
    major: 1,
    minor: 1,
    minRevision: 0,
    action: 'http://ws.gematik.de/conn/CardTerminalService/v1.1',
  },
  CertificateService: {
    major: 6,
    minor: 0,
    minRevision: 1,
    action: 'http://ws.gematik.de/conn/CertificateService/v6.0',
  },
  AuthSignatureService: {
    major: 7,
    minor: 4,
    minRevision: 0,
    action: 'http://ws.gematik.de/conn/SignatureService/v7.4',
  },
} as const;

export type ServiceName = keyof typeof SERVICES;
