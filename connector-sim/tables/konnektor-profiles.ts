// The Konnektors of the vendors as data (konnektor.md 2, 6, 8, 9, 11): where their services lie, which versions they list in which
// order, and their manners on the wire. What a source says of one vendor and what is our distribution of things seen "at some
// Konnektor" stands apart in docs/divergences.md. No code beside this file names a vendor.

export type ServiceKey =
  | 'EventService'
  | 'CardService'
  | 'CardTerminalService'
  | 'CertificateService'
  | 'AuthSignatureService';

/** How a Konnektor says what it says, and what the specifications leave to it. */
export type KonnektorManners = {
  /** Prefixes: gematik's own, `ns2` … at the outermost element as JAXB writes them, or default namespaces without prefix. */
  namespaces: 'gematik' | 'numbered' | 'default';
  /** xsi:schemaLocation at the outermost element of the body. */
  schemaLocation: boolean;
  byteOrderMark: boolean;
  /** xs:dateTime: `…:00.000Z`, `…:00Z` or `…:00.000+01:00`. */
  timestamps: 'milliseconds' | 'seconds' | 'offset';
  /** HTTP status of a SOAP fault (konnektor.md 1). */
  faultStatus: 200 | 500;
  /** A vendor's own code (10000 to 40999) in a Trace before gematik's (A_14159). */
  vendorTrace: number | null;
  /** A context that is not configured: 4004 to 4006, or 4204 (konnektor.md 4). */
  unknownContext: 'own-code' | 4204;
  signatureFormat: 'der' | 'raw';
  /** ReadCardCertificate and CheckCertificateExpiration without Crypt (konnektor.md 2.4). */
  defaultCrypt: 'RSA' | 'ECC';
  /** Whose PIN state an entry changes: of every ClientSystem of the Mandant, or of this call context alone. */
  pinSession: 'mandant' | 'call-context';
  /** Whether GetPinStatus tells how many tries are left. */
  leftTries: boolean;
  /** What GetPinStatus says of an HSM-B, which nobody types a PIN for (konnektor.md 8); a number is that fault. */
  hsmPinStatus: 'VERIFIED' | 'DISABLED' | 4072 | 4209;
  /** `CARD/INSERTED` or `Card/Inserted` in events, and the name of the card's type in CARD/REMOVED (konnektor.md 5). */
  topicSpelling: 'capitals' | 'mixed';
  removedTypeKey: 'CardType' | 'Type';
  /** Versions of CardService: 8.1, both side by side, or 8.2 alone (PTV6, konnektor.md 2.2). */
  cardService: '8.1' | 'both' | '8.2';
  /** VerifyPin on a blocked or transport PIN. */
  pinRefusedAs: 'result' | 'fault';
  /** An entry cancelled or timed out. */
  pinInterruptedAs: 'warning' | 'fault';
};

export type ListedVersion = { version: string; path: string };

export type KonnektorProfile = {
  product: { vendor: string; name: string; typeVersion: string; firmware: string };
  /** Takes `application/xml`, and no SOAPAction with it: what one DiGA client sends to RISE (export-flow.md 1.2). */
  plainXml: boolean;
  /** Answers 4000 for a context ID with other characters than A-Z a-z 0-9 _ - (konnektor.md 1 and 9, RISE). */
  strictIds: boolean;
  /** Path of the newest revision of each service. */
  paths: Readonly<Record<ServiceKey, string>>;
  /** Path of an older revision where it is not that of the newest; `digits` is 810 for 8.1.0. */
  olderPath?: (newest: string, digits: string) => string;
  ascending: boolean;
  /** Newest first. */
  versions: Readonly<Record<ServiceKey, readonly string[]>>;
  /** Services that are listed and not simulated. */
  extra: Readonly<Record<string, readonly ListedVersion[]>>;
  /** TLS is not mandatory, so an Endpoint stands beside each EndpointTLS (konnektor.md 6). */
  plainEndpoints: boolean;
  /** The card of the default world is an HSM-B in a virtual terminal (konnektor.md 8). */
  hostedCard: boolean;
  manners: KonnektorManners;
};

/** The manners of a Konnektor whose vendor the seed drew: only its directory is the vendor's. */
export const PLAIN_MANNERS: KonnektorManners = {
  namespaces: 'gematik',
  schemaLocation: false,
  byteOrderMark: false,
  timestamps: 'milliseconds',
  faultStatus: 500,
  vendorTrace: null,
  unknownContext: 'own-code',
  signatureFormat: 'der',
  defaultCrypt: 'RSA',
  pinSession: 'mandant',
  leftTries: true,
  hsmPinStatus: 'DISABLED',
  topicSpelling: 'capitals',
  removedTypeKey: 'CardType',
  cardService: '8.1',
  pinRefusedAs: 'result',
  pinInterruptedAs: 'warning',
};

const ptv5: KonnektorProfile['versions'] = {
  EventService: ['7.2.0'],
  CardService: ['8.1.2', '8.1.1', '8.1.0'],
  CardTerminalService: ['1.1.0'],
  CertificateService: ['6.0.1', '6.0.0'],
  AuthSignatureService: ['7.4.1', '7.4.0'],
};
const ptv6: KonnektorProfile['versions'] = {
  ...ptv5,
  CertificateService: ['6.0.3', '6.0.1', '6.0.0'],
};

const at = (path: string, ...versions: string[]): ListedVersion[] => versions.map((version) => ({ version, path }));
const lower = (base: string, names: Partial<Record<ServiceKey, string>> = {}): Record<ServiceKey, string> => ({
  EventService: `${base}/${names.EventService ?? 'eventservice'}`,
  CardService: `${base}/cardservice`,
  CardTerminalService: `${base}/cardterminalservice`,
  CertificateService: `${base}/certificateservice`,
  AuthSignatureService: `${base}/authsignatureservice`,
});
const ws = {
  EventService: '/ws/EventService',
  CardService: '/ws/CardService',
  CardTerminalService: '/ws/CardTerminalService',
  CertificateService: '/ws/CertificateService',
  AuthSignatureService: '/ws/AuthSignatureService',
};

const plain = { plainXml: false, strictIds: false, ascending: false, versions: ptv5, extra: {}, plainEndpoints: false };
const shape = { ...plain, hostedCard: false, manners: PLAIN_MANNERS };

export const KONNEKTOR_PROFILES = {
  secunet: {
    ...shape,
    product: { vendor: 'Simulator, secunet shape', name: 'secunet shape', typeVersion: '5.0.1', firmware: '5.1.2' },
    paths: ws,
    extra: {
      SignatureService: at('/ws/SignatureService', '7.5.5', '7.4.2'),
      EncryptionService: at('/ws/EncryptionService', '6.1.1'),
    },
  },
  rise: {
    ...shape,
    product: { vendor: 'Simulator, RISE shape', name: 'RISE shape', typeVersion: '5.0.1', firmware: '5.2.4' },
    plainXml: true,
    strictIds: true,
    paths: lower('/webservices'),
    extra: {
      SignatureService: [
        ...at('/webservices/signatureservice/v7.5', '7.5.5'),
        ...at('/webservices/signatureservice/v7.4', '7.4.2'),
      ],
      EncryptionService: at('/webservices/encryptionservice', '6.1.1'),
    },
    manners: {
      ...PLAIN_MANNERS,
      namespaces: 'default',
      timestamps: 'offset',
      faultStatus: 200,
      vendorTrace: 13_001,
      defaultCrypt: 'ECC',
      removedTypeKey: 'Type',
      pinInterruptedAs: 'fault',
    },
  },
  kocobox: {
    ...shape,
    product: { vendor: 'Simulator, KoCoBox shape', name: 'KoCoBox shape', typeVersion: '5.0.1', firmware: '5.5.0' },
    ascending: true,
    paths: lower('/service', { EventService: 'systeminformationservice' }),
    extra: {
      SignatureService: [...at('/service/v75/signservice', '7.5.5'), ...at('/service/signservice', '7.4.2')],
      EncryptionService: at('/service/encryptionservice', '6.1.1'),
    },
    plainEndpoints: true,
    manners: {
      ...PLAIN_MANNERS,
      namespaces: 'numbered',
      byteOrderMark: true,
      timestamps: 'seconds',
      pinSession: 'call-context',
      topicSpelling: 'mixed',
      pinRefusedAs: 'fault',
    },
  },
  highspeed: {
    ...shape,
    product: {
      vendor: 'Simulator, Highspeed shape',
      name: 'Highspeed-Konnektor shape',
      typeVersion: '6.0.0',
      firmware: '2.0.1',
    },
    paths: ws,
    versions: ptv6,
    extra: { SignatureService: at('/ws/SignatureService', '7.5.7', '7.4.2') },
    hostedCard: true,
    manners: {
      ...PLAIN_MANNERS,
      schemaLocation: true,
      timestamps: 'offset',
      vendorTrace: 20_417,
      unknownContext: 4204,
      signatureFormat: 'raw',
      defaultCrypt: 'ECC',
      leftTries: false,
      hsmPinStatus: 'VERIFIED',
      cardService: 'both',
    },
  },
  kops: {
    ...shape,
    product: { vendor: 'Simulator, KOPS shape', name: 'KOPS shape', typeVersion: '5.0.1', firmware: '1.0.0' },
    paths: lower(''),
    olderPath: (newest, digits) => newest + digits,
  },
  titus: {
    ...shape,
    product: { vendor: 'Simulator, Titus shape', name: 'Titus shape', typeVersion: '5.0.1', firmware: '1.0.0' },
    paths: {
      EventService: '/soap-api/EventService/7.2.0',
      CardService: '/soap-api/CardService/8.1.2',
      CardTerminalService: '/soap-api/CardTerminalService/1.1.0',
      CertificateService: '/soap-api/CertificateService/6.0.1',
      AuthSignatureService: '/soap-api/AuthSignatureService/7.4.1',
    },
  },
} as const satisfies Record<string, KonnektorProfile>;

export type KonnektorVendor = keyof typeof KONNEKTOR_PROFILES;
export const KONNEKTOR_VENDORS = Object.keys(KONNEKTOR_PROFILES) as [KonnektorVendor, ...KonnektorVendor[]];

/** The four products; KOPS and Titus are simulators of others. Drawn by seed are those of before, without `highspeed`. */
export const SEEDED_VENDORS = ['secunet', 'rise', 'kocobox', 'kops', 'titus'] as const;
