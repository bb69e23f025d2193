// The five shapes of connector.sds that products were seen with (konnektor.md 6), for the foreign Konnektor.

/** Base path of each service and its versions, in the order the product lists them; hosts are of its own network. */
export const SHAPES = {
  secunet: shape(
    '/ws',
    { EventService: 'EventService', CardService: 'CardService' },
    'descending',
    'https://192.168.10.20:443',
  ),
  rise: shape(
    '/webservices',
    { EventService: 'eventservice', CardService: 'cardservice' },
    'descending',
    'https://konnektor.konlan:443',
  ),
  kocobox: shape(
    '/service',
    { EventService: 'systeminformationservice', CardService: 'cardservice' },
    'ascending',
    'https://10.11.12.13',
    'http://10.11.12.13',
  ),
  kops: shape(
    '',
    { EventService: 'eventservice', CardService: 'cardservice' },
    'own-urls',
    'https://kops.example:8443',
  ),
  titus: shape(
    '/soap-api',
    { EventService: 'EventService/7.2.0', CardService: 'CardService/8.1.2' },
    'descending',
    'https://titus.example',
  ),
};

type Order = 'descending' | 'ascending' | 'own-urls';
export type Shape = {
  services: [name: string, versions: [version: string, path: string][]][];
  host: string;
  plain?: string;
};

function shape(base: string, names: Record<string, string>, order: Order, host: string, plain?: string): Shape {
  const lower = names.EventService === names.EventService?.toLowerCase();
  const path = (name: string) => `${base}/${names[name] ?? (lower ? name.toLowerCase() : name)}`;
  const revisions: Record<string, string[]> = {
    EventService: ['7.2.0'],
    CardTerminalService: ['1.1.0'],
    // 8.2 of PTV6 beside 8.1 (konnektor.md 2.2)
    CardService: ['8.2.1', '8.1.2', '8.1.1', '8.1.0'],
    SignatureService: ['7.5.5', '7.4.2'],
    AuthSignatureService: ['7.4.1', '7.4.0'],
    EncryptionService: ['6.1.1'],
    CertificateService: ['6.0.1', '6.0.0'],
  };
  const services = Object.entries(revisions).map(([name, versions]): Shape['services'][number] => {
    const listed = versions.map((version): [string, string] => [
      version,
      order === 'own-urls' ? `${path(name)}${version.replaceAll('.', '')}` : path(name),
    ]);
    return [name, order === 'ascending' ? listed.reverse() : listed];
  });
  return {
    services: order === 'ascending' ? services.reverse() : services,
    host,
    ...(plain !== undefined && { plain }),
  };
}
