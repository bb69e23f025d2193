// What each vendor lists in its connector.sds (konnektor.md section 6): versions in the order of the list, and the path of each; and the
// paths that a client is to choose. Played by test/unit/gateway/konnektor/directory.test.ts.

export const CONNECTOR_SERVICES: [
  vendor: string,
  services: Record<string, [version: string, path: string][]>,
  chosen: string[],
][] = [
  [
    'secunet: descending',
    {
      AuthSignatureService: [
        ['7.4.1', '/ws/AuthSignatureService'],
        ['7.4.0', '/ws/AuthSignatureService'],
      ],
      CardService: [
        ['8.1.2', '/ws/CardService'],
        ['8.1.1', '/ws/CardService'],
        ['8.1.0', '/ws/CardService'],
      ],
      CertificateService: [
        ['6.0.1', '/ws/CertificateService'],
        ['6.0.0', '/ws/CertificateService'],
      ],
      EventService: [['7.2.0', '/ws/EventService']],
      SignatureService: [
        ['7.5.5', '/ws/SignatureService'],
        ['7.4.2', '/ws/SignatureService'],
      ],
    },
    ['/ws/EventService', '/ws/CardService', '/ws/CertificateService', '/ws/AuthSignatureService'],
  ],
  [
    'RISE: /webservices/, one path per minor version',
    {
      EventService: [['7.2.0', '/webservices/eventservice']],
      SignatureService: [
        ['7.4.0', '/webservices/signatureservice/v7.4'],
        ['7.5.5', '/webservices/signatureservice/v7.5'],
      ],
      CardService: [
        ['8.1.0', '/webservices/cardservice'],
        ['8.1.2', '/webservices/cardservice'],
        ['8.1.1', '/webservices/cardservice'],
      ],
      CertificateService: [['6.0.1', '/webservices/certificateservice']],
      AuthSignatureService: [['7.4.1', '/webservices/authsignatureservice']],
    },
    [
      '/webservices/eventservice',
      '/webservices/cardservice',
      '/webservices/certificateservice',
      '/webservices/authsignatureservice',
    ],
  ],
  [
    'KoCoBox: ascending, EventService under another name',
    {
      AuthSignatureService: [
        ['7.4.0', '/service/authsignservice'],
        ['7.4.1', '/service/authsignservice'],
      ],
      CardService: [
        ['8.1.0', '/service/cardservice'],
        ['8.1.1', '/service/cardservice'],
        ['8.1.2', '/service/cardservice'],
      ],
      CertificateService: [
        ['6.0.0', '/service/certificateservice'],
        ['6.0.1', '/service/certificateservice'],
      ],
      EventService: [['7.2.0', '/service/systeminformationservice']],
    },
    [
      '/service/systeminformationservice',
      '/service/cardservice',
      '/service/certificateservice',
      '/service/authsignservice',
    ],
  ],
  [
    'KOPS: one URL per revision',
    {
      CardService: [
        ['8.1.0', '/cardservice810'],
        ['8.1.1', '/cardservice811'],
        ['8.1.2', '/cardservice'],
      ],
      EventService: [['7.2.0', '/eventservice']],
      CertificateService: [
        ['6.0.0', '/certificateservice600'],
        ['6.0.1', '/certificateservice'],
      ],
      AuthSignatureService: [
        ['7.4.1', '/authsignatureservice'],
        ['7.4.0', '/authsignatureservice740'],
      ],
    },
    ['/eventservice', '/cardservice', '/certificateservice', '/authsignatureservice'],
  ],
  [
    'Titus: version in the path, and CardService 8.2 of PTV6 beside 8.1',
    {
      CardService: [
        ['8.2.1', '/soap-api/CardService/8.2.1'],
        ['8.1.2', '/soap-api/CardService/8.1.2'],
      ],
      EventService: [['7.2.0', '/soap-api/EventService/7.2.0']],
      CertificateService: [
        ['6.0.3', '/soap-api/CertificateService/6.0.3'],
        ['6.0.1', '/soap-api/CertificateService/6.0.1'],
      ],
      AuthSignatureService: [['7.4.1', '/soap-api/AuthSignatureService/7.4.1']],
    },
    [
      '/soap-api/EventService/7.2.0',
      '/soap-api/CardService/8.1.2',
      '/soap-api/CertificateService/6.0.3',
      '/soap-api/AuthSignatureService/7.4.1',
    ],
  ],
];
