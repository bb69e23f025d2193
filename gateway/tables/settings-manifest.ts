// The one manifest of all settings (api.md section 5, OPS-10): name, type, bounds, default and description of each.
// docs/settings.md is printed from it; what one setting demands of another stands in gateway/config-rules.ts.
import { z } from 'zod';

/** Ids appear in URLs, logs and metrics; call context values go to the Konnektor, at most 64 characters (TIP1-A_4959). */
const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'one to 64 of A-Z a-z 0-9 _ -');
const file = z.string().min(1).max(4096);
const httpsUrl = z.url({ protocol: /^https$/, hostname: /^[^@]+$/ });
const seconds = (low: number, high: number) => z.int().min(low).max(high);

const pins = z
  .array(z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'Base64 of a SHA-256, 44 characters'))
  .max(16)
  .default([])
  .describe(
    'Pins: SHA-256 of the SubjectPublicKeyInfo of a certificate of the chain there, Base64. Where any are given one must be met, and at least two are needed, one of them a spare (CRT-10).',
  );

const tls = z
  .strictObject({
    certFile: file.describe('Certificate chain of the listener, PEM, leaf first.'),
    keyFile: file.describe('Its private key, PEM; readable by the owner only.'),
  })
  .describe('TLS of the listener. Without it the listener speaks plain HTTP: only in SIM and only on loopback (D16).');

const listener = (port: number, what: string) =>
  z
    .strictObject({
      host: z.string().min(1).max(255).default('127.0.0.1').describe(`Address of ${what}.`),
      port: z.int().min(0).max(65535).default(port).describe(`Port of ${what}; 0 takes a free one.`),
      tls: tls.optional(),
    })
    .prefault({});

const konnektor = z.strictObject({
  id: id.describe('Name of this Konnektor in settings, logs and metrics.'),
  url: z
    .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
    .describe(
      'Base address; connector.sds is read below it (KON-01). https; plain http in SIM on loopback only (KON-03, D16).',
    ),
  serverName: z
    .string()
    .min(1)
    .max(253)
    .default('konnektor.konlan')
    .describe('Name that its TLS certificate must carry; often not the network name (KON-04).'),
  caFile: file.optional().describe('Trust anchors of its TLS certificate, PEM; mandatory for https.'),
  pins,
  clientCertificate: file
    .optional()
    .describe(
      'Client certificate shown to it, PEM, with what lies between it and its root (KON-03). This or clientPkcs12.',
    ),
  clientKey: file
    .optional()
    .describe('Private key of the client certificate, PEM without a passphrase; readable by the owner only.'),
  clientPkcs12: file
    .optional()
    .describe('Client certificate and its key as the Konnektor hands them out, PKCS#12; readable by the owner only.'),
  clientPkcs12PasswordFile: file
    .optional()
    .describe('File with the password of clientPkcs12, one line; readable by the owner only.'),
  basicAuthentication: z
    .strictObject({
      user: z
        .string()
        .regex(/^[^:\p{Cc}\p{Cs}]{1,64}$/u, 'one to 64 characters without a colon')
        .describe('User of this client system at the Konnektor.'),
      passwordFile: file.describe('File with the password, one line; readable by the owner only.'),
    })
    .optional()
    .describe('Instead of a client certificate, or beside it (konnektor.md 7).'),
  weakRsaUntil: z.iso
    .date()
    .optional()
    .describe(
      "Last day on which RSA keys below 3000 bits are accepted, ours and the Konnektor's; at most 400 days ahead, with a standing warning, never in PU (CRT-07).",
    ),
  proxy: z
    .strictObject({
      url: z
        .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
        .describe('Forward proxy that opens a tunnel to the Konnektor (HTTP CONNECT); no path, no credentials in it.'),
      caFile: file.optional().describe('Trust anchors of the TLS certificate of an https proxy, PEM.'),
      user: z
        .string()
        .regex(/^[^:\p{Cc}\p{Cs}]{1,64}$/u, 'one to 64 characters without a colon')
        .optional()
        .describe('User at the proxy; with passwordFile.'),
      passwordFile: file.optional().describe('File with the password there, one line; readable by the owner only.'),
    })
    .optional(),
  rewriteEndpoints: z
    .boolean()
    .default(true)
    .describe(
      'Of the addresses that connector.sds lists only the path counts; false: one on another origin than url is refused (D18).',
    ),
  mandant: id.describe('MandantId of the call context (KON-02).'),
  clientSystem: id.describe('ClientSystemId of the call context.'),
  workplace: id.describe('WorkplaceId of the call context.'),
  userId: id.optional().describe('UserId of the call context; of no meaning for an SMC-B.'),
  events: z
    .strictObject({
      listen: z.strictObject({
        host: z.string().min(1).max(255).default('127.0.0.1').describe('Address of the receiver of its events (CETP).'),
        port: z.int().min(0).max(65535).describe('Port of the receiver; 0 takes a free one.'),
        tls: z
          .strictObject({
            certFile: file.describe('Certificate chain of the receiver, PEM; the Konnektor must trust it.'),
            keyFile: file.describe('Its private key, PEM; readable by the owner only.'),
            clientCaFile: file
              .optional()
              .describe(
                'Trust anchors of the certificate that the Konnektor must show, PEM; mandatory outside SIM, without it none is asked for.',
              ),
          })
          .optional()
          .describe('TLS of the receiver.'),
      }),
      eventTo: z
        .string()
        .regex(/^cetp:\/\/[A-Za-z0-9.\-[\]:]{1,200}$/, 'a cetp:// address')
        .optional()
        .describe('Address under which the Konnektor reaches the receiver; without it cetp:// and where it listens.'),
    })
    .optional()
    .describe(
      'Events of this Konnektor, each of which only makes the gateway look at it sooner; without them it looks by cards.pollSeconds.',
    ),
});

const recordSystem = z.strictObject({
  id: id.describe('Name of this record system in answers, logs and metrics.'),
  url: httpsUrl.describe('Origin of the record system (A_24592-02: a list, by configuration).'),
  caFile: file.describe('Trust anchors of its TLS certificate, PEM.'),
  pins,
});

/** What a webhook can be told of: the types of events (api.md section 2). */
export const EVENT_TYPES = [
  'export.queued',
  'export.running',
  'export.waiting',
  'export.unclear',
  'export.written',
  'export.unchanged',
  'export.superseded',
  'export.refused',
  'export.failed',
  'export.cancelled',
  'person.revoked',
  'person.forgotten',
] as const;

const webhook = z.strictObject({
  id: id.describe(
    'Name of this target in logs, metrics and answers; a new name begins with the events of then (MON-06).',
  ),
  url: z
    .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
    .max(2048)
    .describe('Where the messages go: https; plain http in SIM on loopback only (D16, D18).'),
  secretFile: file.describe(
    'File with the secret that signs them, one line: whsec_ and 24 to 64 bytes in Base64 (Standard Webhooks); readable by the owner only.',
  ),
  previousSecretFile: file
    .optional()
    .describe('During a rotation the secret of before: messages then carry both signatures.'),
  caFile: file
    .optional()
    .describe('Trust anchors of its TLS certificate, PEM. Without it the public CAs that Node brings.'),
  events: z.array(z.enum(EVENT_TYPES)).min(1).optional().describe('Types of events that it is told; without it all.'),
  language: z.enum(['de', 'en']).default('de').describe('Language of the remedies in its messages.'),
});

/** Stands in every document: no control characters, not blank. */
const word = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^(?=.*\S)[^\p{Cc}\p{Cs}]+$/u, 'text without control characters');

const app = z
  .strictObject({
    veId: word(100).describe('DiGA-VE-ID: id of the Verordnungseinheit at BfArM.'),
    pzn: z
      .string()
      .regex(/^[0-9]{8}$/, 'a PZN of eight digits')
      .describe('Pharmazentralnummer of the DiGA.'),
    name: word(120).optional().describe('Name of the app in the document; without it the name of the DiGA.'),
    versions: z
      .array(
        z.strictObject({
          name: word(120).describe('What has this version, e.g. Softwareversion.'),
          value: word(120).describe('The version, e.g. 3.2.1.'),
        }),
      )
      .max(16)
      .default([])
      .describe('Versions of the app that the document names.'),
    manufacturer: z.strictObject({
      name: word(200)
        .optional()
        .describe('Name of the maker in the document; without it the manufacturer of the DiGA.'),
      url: z
        .url({ protocol: /^https?$/ })
        .max(2048)
        .describe('Website of the maker.'),
      address: z
        .strictObject({
          street: word(200).optional().describe('Street of the maker; this or postBox.'),
          houseNumber: word(50).optional().describe('House number, with street only.'),
          addition: word(200).optional().describe('Further line of the address, with street only.'),
          postBox: word(200).optional().describe('Post office box.'),
          postalCode: word(20).optional().describe('Postal code.'),
          city: word(200).optional().describe('Town.'),
          country: word(100).optional().describe('Country, e.g. D.'),
        })
        .optional(),
    }),
  })
  .describe('What documents built by the gateway say about the app.');

const metadata = z
  .strictObject({
    title: word(120)
      .optional()
      .describe('Title of its documents in the record; without it Export and the name of the DiGA.'),
    authorSpecialty: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'a code of the value set')
      .optional()
      .describe('Code of authorSpecialty (1.3.6.1.4.1.19376.3.276.1.5.11); without it none is sent.'),
    confidentiality: z
      .enum(['none', 'normal'])
      .default('none')
      .describe('confidentialityCode: none is sent, or N as the examples of ePA 2.6 have it.'),
    creationTimeOffsetMinutes: z
      .int()
      .min(-720)
      .max(0)
      .default(0)
      .describe('creationTime is UTC; a record system that compares local time may want an earlier one.'),
  })
  .optional()
  .describe('What the reference leaves open in the metadata of its documents (docs/divergences.md).');

const mioVersion = z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}$/, 'a version, e.g. 1.1.0');

const diga = z.strictObject({
  id: id.describe('Name of the DiGA in the API.'),
  name: z.string().min(1).max(120).describe('Name of the DiGA as the record shows it (author).'),
  manufacturer: z.string().min(1).max(120).describe('Name of the maker (authorInstitution).'),
  telematikId: z
    .string()
    .regex(/^[0-9]{1,2}-[A-Za-z0-9.-]{1,125}$/, 'a Telematik-ID, e.g. 9-…')
    .describe('Telematik-ID of its SMC-B; one DiGA, one card, one folder (EXP-26).'),
  konnektors: z.array(id).min(1).describe('Konnektors that can reach the SMC-B, in order of preference.'),
  app: app.optional().describe('Needed where `content.mode` is simple, or fhir with resources.'),
  mioVersions: z
    .array(mioVersion)
    .min(1)
    .max(4)
    .default(['1.1.0'])
    .describe(
      'Versions of the MIO DiGA Toolkit that its documents may have; the first one is the default (D25, EXP-13).',
    ),
  metadata,
  webhooks: z.array(webhook).max(16).default([]).describe('Who is told of the events of this DiGA (docs/webhooks.md).'),
});

const levels = (days: readonly number[], of: string) =>
  z
    .array(z.int().min(1).max(1825))
    .min(1)
    .max(12)
    .default([...days])
    .describe(`Days before the end of ${of} at which it is warned of, once each (CRT-02).`);

const alarmWebhook = z.strictObject({
  id: id.describe('Name of this receiver of alarms in logs and answers.'),
  url: z
    .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
    .max(2048)
    .describe('Where the alarms go: https; plain http in SIM on loopback only (D16, D18).'),
  secretFile: file.describe('File with the secret that signs them, as for webhooks of a DiGA; mode 0600.'),
  previousSecretFile: file.optional().describe('During a rotation the secret of before.'),
  caFile: file
    .optional()
    .describe('Trust anchors of its TLS certificate, PEM. Without it the public CAs that Node brings.'),
  language: z.enum(['de', 'en']).default('de').describe('Language of its remedies.'),
});

const alarmMail = z
  .strictObject({
    host: z
      .string()
      .regex(/^(?!-)[A-Za-z0-9.:-]{1,253}$/, 'a host name or an address')
      .describe('Mail server (SMTP).'),
    port: z.int().min(1).max(65535).default(465).describe('Its port: 465 for tls, 587 for starttls.'),
    security: z
      .enum(['tls', 'starttls'])
      .default('tls')
      .describe('TLS from the first byte, or by STARTTLS, without which nothing is sent.'),
    caFile: file
      .optional()
      .describe('Trust anchors of its TLS certificate, PEM. Without it the public CAs that Node brings.'),
    user: z.string().min(1).max(256).optional().describe('User at the mail server; with passwordFile.'),
    passwordFile: file.optional().describe('File with the password, one line; readable by the owner only.'),
    from: z.email().max(254).describe('Sender of the mails.'),
    to: z.array(z.email().max(254)).min(1).max(16).describe('Who gets them.'),
    language: z.enum(['de', 'en']).default('de').describe('Language of the mails.'),
  })
  .describe('Alarms by mail (MON-03).');

const alarms = z
  .strictObject({
    webhooks: z.array(alarmWebhook).max(8).default([]).describe('Who is told of alarms by webhook (MON-03).'),
    mail: alarmMail.optional(),
    stalledHours: z
      .int()
      .min(1)
      .max(720)
      .default(24)
      .describe('An alarm when no export was written for so long while one that may run waits (MON-03).'),
    unclearHours: z
      .int()
      .min(1)
      .max(2160)
      .default(24)
      .describe('An alarm when the outcome of a write is unknown for so long (MON-03).'),
    smcbDays: levels([180, 90, 60, 30, 14, 3], "an SMC-B's certificates"),
    certificateDays: levels([60, 30, 14, 3], 'every other certificate'),
    dailyDays: z
      .int()
      .min(0)
      .max(90)
      .default(14)
      .describe('From so many days before the end on, a certificate is warned of every day (CRT-02).'),
  })
  .prefault({});

const certificateFiles = (listener: string) =>
  z
    .array(file)
    .max(8)
    .default([])
    .describe(
      `Its client certificates, PEM, one of which it must show beside key or token, or alone where it has neither (SEC-13, SEC-15); needs ${listener}.`,
    );

const tokenIssuer = z.strictObject({
  issuer: z.string().min(1).max(512).describe('`iss` of its tokens, exactly.'),
  audience: z.string().min(1).max(512).describe('`aud` that names this gateway.'),
  jwksFile: file.optional().describe('Its public keys as a JWK set; this or jwksUrl.'),
  jwksUrl: httpsUrl.optional().describe('Where its public keys are read; a new key is found without a restart.'),
  caFile: file.optional().describe('Trust anchors of the TLS certificate there, PEM.'),
  algorithms: z
    .array(z.enum(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA']))
    .min(1)
    .default(['ES256', 'ES384', 'PS256', 'RS256'])
    .describe('Signature algorithms accepted.'),
  clockSkewSeconds: seconds(0, 300).default(30).describe('How far its clock may differ from ours.'),
});

const postgres = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^postgres(ql)?:\/\/[^\s:@/?#]+@[^\s:@/?#,]+(:[0-9]{1,5})?\/[^\s/?#]+$|^postgres(ql)?:\/\/[^\s:@/?#]+@\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?\/[^\s/?#]+$/,
        'postgres://user@host:port/database, without password and options',
      )
      .describe('Where PostgreSQL answers and as whom; every gateway that names the same one shares its work (D9).'),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'one to 63 of a-z 0-9 _')
      .default('epa_gateway')
      .describe('Schema of the tables; made at the first start where it is missing.'),
    passwordFile: file.optional().describe('File with the password, one line; readable by the owner only.'),
    caFile: file
      .optional()
      .describe('Trust anchors of its TLS certificate, PEM. Without it there is no TLS: only in SIM and on loopback.'),
    querySeconds: seconds(1, 600)
      .default(30)
      .describe(
        'A query without an answer for so long is given up with its connection; not while the schema is raised.',
      ),
  })
  .describe('The store lies in this PostgreSQL instead of a file in the data directory.');

const client = z.strictObject({
  id: id.describe('Name of this API client in logs.'),
  diga: id.describe('The one DiGA that it may act for (EXP-27).'),
  roles: z
    .array(z.enum(['writer', 'reader', 'monitor']))
    .min(1)
    .describe('What it may do (SEC-14).'),
  keyFile: file.optional().describe('File with its API key, one line; readable by the owner only.'),
  token: z
    .strictObject({
      issuer: z.string().min(1).max(512).describe('One of tokenIssuers.'),
      client: z.string().min(1).max(256).describe('`client_id` (or `azp`) in its access tokens.'),
    })
    .optional()
    .describe('OAuth 2.0 access tokens instead of, or beside, an API key (SEC-13).'),
  certificateFiles: certificateFiles('listen.tls'),
});

const operator = z.strictObject({
  id: id.describe('Name of this operator.'),
  roles: z
    .array(z.enum(['operator', 'security', 'monitor']))
    .min(1)
    .describe('What it may do (SEC-14).'),
  keyFile: file.optional().describe('File with its bearer key, one line: only in SIM (D16).'),
  certificateFiles: certificateFiles('admin.tls'),
});

export const settingsManifest = z.strictObject({
  environment: z.enum(['SIM', 'RU', 'TU', 'PU']).describe('The one environment this installation serves (OPS-05).'),
  dataDirectory: file.describe('Directory of the store; EPA_GATEWAY_DATA names it too and wins.'),
  masterKeyFile: file.describe(
    'File of exactly 32 random bytes that wraps every other key; mode 0600 or 0400 (SEC-06).',
  ),
  previousMasterKeyFile: file
    .optional()
    .describe(
      'The master key file of before: with it a start wraps every key anew under masterKeyFile; to be taken out afterwards.',
    ),
  userAgent: z
    .string()
    .regex(/^[a-zA-Z0-9-]{1,20}\/[a-zA-Z0-9.-]{1,15}$/, 'ClientID/version, A_22470-05')
    .describe('x-useragent: the ClientID registered with gematik, a slash, the version (SES-03).'),
  listen: listener(18080, 'the REST API'),
  admin: listener(18081, 'the admin listener (SEC-15)'),
  trust: z.strictObject({
    rootsFile: file.describe('TI roots of this environment, PEM.'),
    intermediatesFile: file.optional().describe('TI CAs of this environment, PEM; mandatory without tsl.'),
    ocspSignersFile: file.optional().describe('Certificates of the OCSP responders, PEM; mandatory without tsl.'),
    tsl: z
      .strictObject({
        url: z
          .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
          .max(2048)
          .optional()
          .describe('Where the list is published; its content is signed, so plain http will do (D18). This or file.'),
        file: file.optional().describe('The list as a file that somebody keeps up to date, for closed networks.'),
        caFile: file.optional().describe('Trust anchors of the TLS certificate at an https address, PEM.'),
        signerFile: file.describe(
          'Certificates of the signers of the list, or of the CA that issues them, PEM: an anchor of its own.',
        ),
        graceDays: z
          .int()
          .min(0)
          .max(90)
          .default(30)
          .describe(
            'How long after its NextUpdate a list stays in force; then nothing that stands on it is trusted (CRT-05).',
          ),
      })
      .optional()
      .describe('Trust-service list of this environment: CAs and OCSP responders are taken from it as well.'),
    ocsp: z
      .strictObject({
        url: z
          .url({ protocol: /^https?$/, hostname: /^[^@]+$/ })
          .max(2048)
          .describe(
            'OCSP responder for the certificates of SMC-Bs; its answers are signed, so plain http will do (D18). In PU the group trust.ocsp is mandatory (CRT-04).',
          ),
        caFile: file.optional().describe('Trust anchors of the TLS certificate at an https address, PEM.'),
        cacheHours: z
          .int()
          .min(1)
          .max(24)
          .default(12)
          .describe('How long an answer without nextUpdate counts; one with it counts until then (CRT-04).'),
        graceHours: z
          .int()
          .min(0)
          .max(336)
          .default(72)
          .describe(
            'How long a card goes on after its last good answer has run out, or after the first question without any, while the responder cannot be asked; then it is not used (CRT-04).',
          ),
      })
      .optional()
      .describe(
        'Whether cards are revoked is asked here before they are used. Without it only IDP and record systems ask at each login.',
      ),
  }),
  konnektors: z.array(konnektor).min(1),
  cards: z
    .strictObject({
      pollSeconds: seconds(1, 3600)
        .default(60)
        .describe('How often each Konnektor is asked for its state, terminals, cards and their PIN (KON-06).'),
      probeSeconds: seconds(1, 300)
        .default(5)
        .describe('How often one that does not answer, or where a card or terminal is amiss, is asked again (KON-11).'),
    })
    .prefault({}),
  idp: z.strictObject({
    issuer: httpsUrl.describe('Issuer of the central IDP; discovery is read below it (SES-05).'),
    caFile: file.describe('Trust anchors of its TLS certificate, PEM.'),
    pins,
    origins: z
      .array(
        z.strictObject({
          origin: httpsUrl.describe(
            'Further origin of the same IDP (its internet name beside its name inside the TI).',
          ),
          caFile: file.describe('Trust anchors of the TLS certificate there, PEM.'),
          pins,
        }),
      )
      .max(8)
      .default([])
      .describe('Where its endpoints and Locations may lie besides the issuer (D18).'),
  }),
  recordSystems: z.array(recordSystem).min(1).max(16),
  mioTables: file
    .optional()
    .describe(
      'Directory with the tables of the MIO DiGA Toolkit (docs/mio-tables.md); without it those of the product.',
    ),
  digas: z.array(diga).min(1),
  clients: z.array(client).min(1),
  tokenIssuers: z.array(tokenIssuer).max(8).default([]),
  operators: z.array(operator).default([]),
  limits: z
    .strictObject({
      documentBytes: z
        .int()
        .min(1024)
        .max(250_000_000)
        .default(25_000_000)
        .describe('Largest document (EXP-11); 25 MB in the guide.'),
      requestBytes: z
        .int()
        .min(131_072)
        .max(1_073_741_824)
        .default(250_000_000)
        .describe('Largest message to a record system, document and all around it (EXP-11); 250 MB in the guide.'),
      bodyBytes: z
        .int()
        .min(4096)
        .max(1_073_741_824)
        .default(33_554_432)
        .describe('Largest JSON body of a request, 32 MiB.'),
      waitingBytes: z
        .int()
        .min(4096)
        .max(8_589_934_592)
        .default(268_435_456)
        .describe(
          'Bodies above 128 KiB that wait to be judged or built, all together; more are refused (429). Of forms, which wait in the store, twice as much.',
        ),
      requestsPerSecond: z.int().min(1).max(100_000).default(200).describe('Requests a second of one client (D19).'),
      failedPerKeyPerMinute: z
        .int()
        .min(1)
        .max(10_000)
        .default(10)
        .describe('Failed authentications a minute with one presented key (D19).'),
      failedPerAddressPerMinute: z
        .int()
        .min(1)
        .max(100_000)
        .default(300)
        .describe('Failed authentications a minute from one address (D19).'),
    })
    .prefault({}),
  session: z
    .strictObject({
      maxAgeSeconds: seconds(30, 86_400)
        .default(1080)
        .describe('A signed-on channel is renewed at this age; 20 minutes in the specification (D12, SES-02).'),
      renewalsEverySeconds: seconds(0, 86_400)
        .default(900)
        .describe('At most one renewal for refused entitlements per record system in this time (D11).'),
      reuse: z
        .boolean()
        .default(true)
        .describe('One channel for many insured; false makes a login for each export and exists in SIM only (D16).'),
      channels: z
        .int()
        .min(1)
        .max(8)
        .default(1)
        .describe(
          'Channels for small exports per record system and DiGA; another one is opened when all have a queue (D13).',
        ),
      largeBytes: z
        .int()
        .min(65_536)
        .max(250_000_000)
        .default(1_048_576)
        .describe('Documents from this size on go on a channel of their own, beside the small ones (D13).'),
      vauTracing: z.boolean().default(false).describe('Send VAU-nonPU-Tracing (A_24477): SIM, RU and TU only (D16).'),
    })
    .prefault({}),
  locate: z
    .strictObject({
      cacheSeconds: seconds(0, 604_800)
        .default(86_400)
        .describe('How long the record system found for an insured is remembered (EXP-22).'),
      graceSeconds: z
        .number()
        .min(0)
        .max(60)
        .default(2)
        .describe('How long the others are waited for once one record system has said that the record is there (D12).'),
      suspendedRetrySeconds: seconds(60, 604_800)
        .default(86_400)
        .describe('A record that is suspended (409, moving) is tried again after this time (EXP-23).'),
      busyRetrySeconds: seconds(1, 86_400)
        .default(600)
        .describe('A record system that is busy or has an internal error is tried again after this time (EXP-23).'),
    })
    .prefault({}),
  egress: z
    .strictObject({
      answerSeconds: seconds(1, 600)
        .default(20)
        .describe('Limit for an outside answer; ITI-41 gets 1 s more per MB (D22).'),
    })
    .prefault({}),
  worker: z
    .strictObject({
      concurrency: z.int().min(1).max(256).default(16).describe('Exports on their way at the same time.'),
      largeConcurrency: z
        .int()
        .min(1)
        .max(64)
        .default(2)
        .describe('Beside them: exports with a document from session.largeBytes on (D13).'),
      stopSeconds: seconds(0, 300).default(25).describe('How long a stop waits for exports on the wire.'),
      leaseSeconds: seconds(1, 3600)
        .default(30)
        .describe(
          'On PostgreSQL: how long an export belongs to a gateway that no longer shows a sign of life; then another takes it up (D9).',
        ),
    })
    .prefault({}),
  store: z.strictObject({ postgres: postgres.optional() }).prefault({}),
  retention: z
    .strictObject({
      failedContentDays: z
        .int()
        .min(1)
        .max(90)
        .default(14)
        .describe('Content of refused and failed exports is erased after this time (RET-01).'),
      approvalDays: z
        .int()
        .min(1)
        .max(90)
        .default(30)
        .describe('An export waits this long for the approval of the insured, then it is cancelled (EXP-24).'),
      unclearDays: z
        .int()
        .min(1)
        .max(90)
        .default(90)
        .describe(
          'An unclear export keeps its content and is repeated this long; then its series waits for an import (RET-01, D1).',
        ),
      kvnrGraceDays: z
        .int()
        .min(0)
        .max(366)
        .default(92)
        .describe('The KVNR is erased this long after the end of the latest prescription (RET-03).'),
    })
    .prefault({}),
  alarms,
  doctor: z
    .strictObject({
      insuredFile: file
        .optional()
        .describe(
          'File with the KVNR of a test insured, one line: the last step of doctor looks for the record (OPS-06).',
        ),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least level logged.') })
    .prefault({}),
  clock: z
    .url({ protocol: /^http$/ })
    .optional()
    .describe(
      'Control URL of the simulator whose clock is followed, on loopback: SIM only (D16, D17). Without it the clock of this machine.',
    ),
});

export type Settings = z.output<typeof settingsManifest>;
export type DigaSettings = Settings['digas'][number];
export type KonnektorSettings = Settings['konnektors'][number];
export type RecordSystemSettings = Settings['recordSystems'][number];
export type PostgresSettings = NonNullable<Settings['store']['postgres']>;
export type ListenSettings = Settings['listen'];
