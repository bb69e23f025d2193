// The service directory connector.sds (konnektor.md 6; ServiceDirectory.xsd 3.1.0): which services this Konnektor has, in
// which versions, where. Paths, order and versions are the profile's (tables/konnektor-profiles.ts).
import { type Markup, xml } from '../../wire/xml.ts';
import {
  KONNEKTOR_PROFILES,
  type KonnektorManners,
  type KonnektorProfile,
  type KonnektorVendor,
  type ListedVersion,
  type ServiceKey,
} from '../tables/konnektor-profiles.ts';
import { productInformation } from './card-markup.ts';
import { declare } from './namespaces.ts';

/** A Konnektor's own vendor, else the one the seed drew for the world. */
export function konnektorProfile(o: {
  konnektor: { vendor: KonnektorVendor | undefined };
  world: { choices: { konnektorVendor: KonnektorVendor } };
}): KonnektorProfile {
  return KONNEKTOR_PROFILES[o.konnektor.vendor ?? o.world.choices.konnektorVendor];
}

/** Whether plain HTTP is spoken beside TLS, or in its place: TLS is not mandatory (ANCL_TLS_MANDATORY, konnektor.md 7). */
export function isPlainServed(o: {
  konnektor: { vendor: KonnektorVendor | undefined; transport: { tls: boolean } };
  world: { choices: { konnektorVendor: KonnektorVendor } };
}): boolean {
  return !o.konnektor.transport.tls || konnektorProfile(o).plainEndpoints;
}

/** What decides a directory: the profile, and of its manners which CardService there is. */
type Listing = { profile: KonnektorProfile; manners: Pick<KonnektorManners, 'cardService'> };

/** The revisions of a service newest first, each with its path; all revisions of one minor version share a message schema. */
function revisions({ profile, manners }: Listing, key: ServiceKey): ListedVersion[] {
  const { cardService } = manners;
  const newest = key === 'CardService' && cardService !== '8.1' ? [{ version: '8.2.1', path: path82(profile) }] : [];
  if (key === 'CardService' && cardService === '8.2') return newest;
  const shared = profile.versions[key].map((version, older) => {
    const path = profile.paths[key];
    return { version, path: older === 0 ? path : (profile.olderPath?.(path, version.replaceAll('.', '')) ?? path) };
  });
  return [...newest, ...shared];
}

const path82 = (profile: KonnektorProfile) => `${profile.paths.CardService}/v8.2`;

const keysOf = (profile: KonnektorProfile) => Object.keys(profile.paths) as ServiceKey[];

/**
 * What a request to this path means: a service and its revision, the newest of those that share the path, and whether it is
 * CardService 8.2; `extra` for a service that is only listed.
 */
export function serviceAt(
  listing: Listing,
  path: string,
): { key: ServiceKey | 'extra'; cardService82: boolean; version: string } | undefined {
  const { profile } = listing;
  for (const key of keysOf(profile)) {
    const found = revisions(listing, key).find((one) => one.path === path);
    if (found !== undefined) return { key, cardService82: path === path82(profile), version: found.version };
  }
  const listed = Object.values(profile.extra).some((versions) => versions.some((one) => one.path === path));
  return listed ? { key: 'extra', cardService82: false, version: '' } : undefined;
}

export type SecuritySwitches = { tlsMandatory: boolean; clientAuthentication: boolean };

/**
 * The document; `base` is the Konnektor's address over TLS without a path, `plainBase` that of plain HTTP where there is one: the
 * schema wants an EndpointTLS in any case. `now` in ms.
 */
export function serviceDirectory(o: {
  profile: KonnektorProfile;
  manners: Listing['manners'];
  base: string;
  plainBase: string | undefined;
  now: number;
  security: SecuritySwitches;
}): Markup {
  const { profile, security } = o;
  const services: [name: string, versions: ListedVersion[]][] = [
    ...keysOf(profile).map((key): [string, ListedVersion[]] => [key, revisions(o, key)]),
    ...Object.entries(profile.extra).map(([name, versions]): [string, ListedVersion[]] => [name, [...versions]]),
  ];
  if (profile.ascending) {
    services.reverse();
    for (const [, versions] of services) versions.reverse();
  }
  const { vendor, name, typeVersion, firmware } = profile.product;
  return xml(
    'SDS:ConnectorServices',
    declare('SDS', 'PI', 'SI'),
    productInformation({
      now: o.now,
      type: 'Konnektor',
      typeVersion,
      code: 'SIMKON',
      vendor,
      name: `Simulated Konnektor, ${name}`,
      firmware,
    }),
    xml('SDS:TLSMandatory', {}, String(security.tlsMandatory)),
    xml('SDS:ClientAutMandatory', {}, String(security.clientAuthentication)),
    xml('SI:ServiceInformation', {}, ...services.map(([service, versions]) => listed(service, versions, o))),
  );
}

function listed(
  service: string,
  versions: readonly ListedVersion[],
  o: { base: string; plainBase: string | undefined },
): Markup {
  return xml(
    'SI:Service',
    { Name: service },
    xml('SI:Abstract', {}, service),
    xml(
      'SI:Versions',
      {},
      ...versions.map(({ version, path }) =>
        xml(
          'SI:Version',
          { TargetNamespace: wsdlNamespace(service, version), Version: version },
          xml('SI:Abstract', {}, `${service} ${version}`),
          o.plainBase === undefined ? undefined : xml('SI:Endpoint', { Location: `${o.plainBase}${path}` }),
          xml('SI:EndpointTLS', { Location: `${o.base}${path}` }),
        ),
      ),
    ),
  );
}

/** Of the WSDL, by major and minor version: what every vendor's sample shows (konnektor.md 6). */
const wsdlNamespace = (service: string, version: string) =>
  `http://ws.gematik.de/conn/${service}/WSDL/v${version.split('.').slice(0, 2).join('.')}`;
