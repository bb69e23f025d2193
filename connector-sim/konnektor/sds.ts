// The service directory connector.sds (konnektor.md 6; ServiceDirectory.xsd 3.1.0): which services this Konnektor has, in
// which versions, where. Paths, order and extra versions follow one of the real products' shapes, chosen by the seed.
import { type Markup, serialize, xml } from '../../wire/xml.ts';
import { productInformation } from './card-markup.ts';
import { declare } from './namespaces.ts';

export type ServiceKey = 'EventService' | 'CardService' | 'CertificateService' | 'AuthSignatureService';

/** WSDL namespace (without version) and versions, newest first; all revisions share one message schema. */
const services: Readonly<Record<ServiceKey, { wsdl: string; versions: string[] }>> = {
  EventService: { wsdl: 'v7.2', versions: ['7.2.0'] },
  CardService: { wsdl: 'v8.1', versions: ['8.1.2', '8.1.1', '8.1.0'] },
  CertificateService: { wsdl: 'v6.0', versions: ['6.0.1', '6.0.0'] },
  AuthSignatureService: { wsdl: 'v7.4', versions: ['7.4.1', '7.4.0'] },
};

export type VendorProfile = {
  product: string;
  ascending: boolean;
  /** Takes `application/xml`, and no SOAPAction with it: what one DiGA client sends to RISE (export-flow.md 1.2). */
  plainXml: boolean;
  /** Answers 4000 for a context ID with other characters than A-Z a-z 0-9 _ - (konnektor.md 1 and 9, RISE). */
  strictIds: boolean;
  paths: Readonly<Record<ServiceKey, string>>;
  /** Path of an older revision where it is not that of the newest; `digits` is 810 for 8.1.0. */
  olderPath?: (newest: string, digits: string) => string;
};

export const VENDOR_PROFILES = {
  secunet: {
    product: 'secunet shape',
    ascending: false,
    plainXml: false,
    strictIds: false,
    paths: {
      EventService: '/ws/EventService',
      CardService: '/ws/CardService',
      CertificateService: '/ws/CertificateService',
      AuthSignatureService: '/ws/AuthSignatureService',
    },
  },
  rise: {
    product: 'RISE shape',
    ascending: false,
    plainXml: true,
    strictIds: true,
    paths: {
      EventService: '/webservices/eventservice',
      CardService: '/webservices/cardservice',
      CertificateService: '/webservices/certificateservice',
      AuthSignatureService: '/webservices/authsignatureservice',
    },
  },
  kocobox: {
    product: 'KoCoBox shape',
    ascending: true,
    plainXml: false,
    strictIds: false,
    paths: {
      EventService: '/service/systeminformationservice',
      CardService: '/service/cardservice',
      CertificateService: '/service/certificateservice',
      AuthSignatureService: '/service/authsignatureservice',
    },
  },
  kops: {
    product: 'KOPS shape',
    ascending: false,
    plainXml: false,
    strictIds: false,
    paths: {
      EventService: '/eventservice',
      CardService: '/cardservice',
      CertificateService: '/certificateservice',
      AuthSignatureService: '/authsignatureservice',
    },
    olderPath: (newest, digits) => newest + digits,
  },
  titus: {
    product: 'Titus shape',
    ascending: false,
    plainXml: false,
    strictIds: false,
    paths: {
      EventService: '/soap-api/EventService/7.2.0',
      CardService: '/soap-api/CardService/8.1.2',
      CertificateService: '/soap-api/CertificateService/6.0.1',
      AuthSignatureService: '/soap-api/AuthSignatureService/7.4.1',
    },
  },
} as const satisfies Record<string, VendorProfile>;

export type Vendor = keyof typeof VENDOR_PROFILES;

/** A Konnektor's own vendor, else the one the seed drew for the world. */
export function konnektorProfile(o: {
  konnektor: { vendor: Vendor | undefined };
  world: { choices: { konnektorVendor: Vendor } };
}): VendorProfile {
  return VENDOR_PROFILES[o.konnektor.vendor ?? o.world.choices.konnektorVendor];
}

/** Every service and revision with its path; revisions newest first. */
function listed(profile: VendorProfile): { key: ServiceKey; version: string; path: string }[] {
  return (Object.keys(services) as ServiceKey[]).flatMap((key) =>
    services[key].versions.map((version, older) => {
      const path = profile.paths[key];
      const digits = version.replaceAll('.', '');
      return { key, version, path: older === 0 ? path : (profile.olderPath?.(path, digits) ?? path) };
    }),
  );
}

/** The service a request to this path means; all revisions share one message schema. */
export function serviceAt(profile: VendorProfile, path: string): ServiceKey | undefined {
  return listed(profile).find((one) => one.path === path)?.key;
}

/** The document; `base` is the Konnektor's own address without a path. `now` in ms. */
export function serviceDirectory(o: { profile: VendorProfile; base: string; now: number }): string {
  const keys = Object.keys(services) as ServiceKey[];
  if (o.profile.ascending) keys.reverse();
  return serialize(
    xml(
      'SDS:ConnectorServices',
      declare('SDS', 'PI', 'SI'),
      productInformation({
        now: o.now,
        type: 'Konnektor',
        typeVersion: '5.0.1',
        code: 'SIMKON',
        vendor: 'Simulator',
        name: `Simulated Konnektor, ${o.profile.product}`,
      }),
      xml('SDS:TLSMandatory', {}, 'true'),
      xml('SDS:ClientAutMandatory', {}, 'true'),
      xml('SI:ServiceInformation', {}, ...keys.map((key) => service(key, o.profile, o.base))),
    ),
  );
}

function service(key: ServiceKey, profile: VendorProfile, base: string): Markup {
  const { wsdl } = services[key];
  const revisions = listed(profile).filter((one) => one.key === key);
  const ordered = profile.ascending ? revisions.toReversed() : revisions;
  return xml(
    'SI:Service',
    { Name: key },
    xml('SI:Abstract', {}, key),
    xml(
      'SI:Versions',
      {},
      ...ordered.map(({ version, path }) =>
        xml(
          'SI:Version',
          { TargetNamespace: `http://ws.gematik.de/conn/${key}/WSDL/${wsdl}`, Version: version },
          xml('SI:Abstract', {}, `${key} ${version}`),
          xml('SI:EndpointTLS', { Location: `${base}${path}` }),
        ),
      ),
    ),
  );
}
