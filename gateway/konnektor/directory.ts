// The service directory of one Konnektor, connector.sds (gemSpec_Kon; ILF 4.1.3; konnektor.md section 6): no endpoint path
// is hard-coded (KON-01). Read at the first call, cached, read again after a lost connection.
import { child, childrenOf, parseXml, requireChild, textOf, type XmlElement } from '../../wire/xml.ts';
import type { Egress } from '../egress.ts';
import { GatewayError } from '../errors.ts';
import { answerInvalid, konnektorError, statusError } from './faults.ts';
import { NS } from './tables/namespaces.ts';
import { SERVICES, type ServiceName } from './tables/services.ts';

/** What the settings say of one Konnektor, as far as these modules read it. */
export type KonnektorAccess = {
  id: string;
  /** Base address; connector.sds lies below it. */
  url: string;
  mandant: string;
  clientSystem: string;
  workplace: string;
  /** Of no meaning for an SM-B; never sent empty. */
  userId?: string;
  /**
   * Default true: only the path of an endpoint counts, scheme, host and port are those of `url` (the directory names the
   * LAN address, wrong behind NAT, VPN or a proxy). False: an endpoint on another origin is refused (D18).
   */
  rewriteEndpoints?: boolean;
};

/** The way out (D18); `konnektor` is its purpose, the Konnektor's id its target. */
export type KonnektorEgress = Pick<Egress, 'request'>;

export type ServiceVersion = {
  service: string;
  version: string;
  endpoint: string | undefined;
  endpointTls: string | undefined;
};

/** connector.sds as far as the gateway uses it. Product fields are for the operator (ILF A_18468). */
export type ConnectorServices = {
  product: { vendor: string; name: string; firmware: string | undefined; typeVersion: string };
  tlsMandatory: boolean;
  clientAutMandatory: boolean;
  versions: ServiceVersion[];
};

/** Reads connector.sds (ServiceDirectory v3.1). Throws WireError or KONNEKTOR_ANSWER_INVALID. */
export function readConnectorServices(bytes: Uint8Array | string): ConnectorServices {
  const root = parseXml(bytes);
  if (root.ns !== NS.SDS || root.name !== 'ConnectorServices') throw answerInvalid('not a ConnectorServices v3.1');
  const info = requireChild(root, NS.SI, 'ServiceInformation');
  return {
    product: readProduct(requireChild(root, NS.PI, 'ProductInformation')),
    tlsMandatory: readBoolean(textOf(root, NS.SDS, 'TLSMandatory')),
    clientAutMandatory: readBoolean(textOf(root, NS.SDS, 'ClientAutMandatory')),
    versions: childrenOf(info, NS.SI, 'Service').flatMap((service) =>
      childrenOf(requireChild(service, NS.SI, 'Versions'), NS.SI, 'Version').map((version) => ({
        service: service.attributes.get('Name') ?? '',
        version: version.attributes.get('Version')?.trim() ?? '',
        endpoint: locationOf(version, 'Endpoint'),
        endpointTls: locationOf(version, 'EndpointTLS'),
      })),
    ),
  };
}

function readProduct(info: XmlElement): ConnectorServices['product'] {
  const about = requireChild(info, NS.PI, 'ProductMiscellaneous');
  const version = child(requireChild(info, NS.PI, 'ProductIdentification'), NS.PI, 'ProductVersion');
  const local = version && child(version, NS.PI, 'Local');
  return {
    vendor: textOf(about, NS.PI, 'ProductVendorName'),
    name: textOf(about, NS.PI, 'ProductName'),
    firmware: local && child(local, NS.PI, 'FWVersion')?.text.trim(),
    typeVersion: textOf(requireChild(info, NS.PI, 'ProductTypeInformation'), NS.PI, 'ProductTypeVersion'),
  };
}

/** xs:boolean. Throws KONNEKTOR_ANSWER_INVALID for anything else. */
export function readBoolean(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw answerInvalid('a value that must be true or false is neither');
}

const locationOf = (version: XmlElement, name: string): string | undefined =>
  child(version, NS.SI, name)?.attributes.get('Location')?.trim();

/**
 * The version to use: service by name, major.minor equal, highest revision, compared as numbers since vendors list them
 * in any order (ILF 4.1.3). Throws KONNEKTOR_SERVICE_MISSING (TIP1-A_4968).
 */
export function chooseVersion(services: ConnectorServices, name: ServiceName): ServiceVersion {
  const { major, minor, minRevision } = SERVICES[name];
  let best: { revision: number; version: ServiceVersion } | undefined;
  for (const version of services.versions) {
    const numbers = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(version.version)?.slice(1).map(Number) ?? [];
    const [listedMajor, listedMinor, revision = -1] = numbers;
    if (version.service !== name || listedMajor !== major || listedMinor !== minor || revision < minRevision) continue;
    if (best === undefined || revision > best.revision) best = { revision, version };
  }
  if (best === undefined)
    throw new GatewayError(
      'KONNEKTOR_SERVICE_MISSING',
      `lists no ${name} ${major}.${minor}.x from ${major}.${minor}.${minRevision} on`,
    );
  return best.version;
}

/** The address to call (D18). Throws KONNEKTOR_ANSWER_INVALID for no endpoint, no URL or a foreign origin. */
export function endpointUrl(services: ConnectorServices, name: ServiceName, access: KonnektorAccess): string {
  const version = chooseVersion(services, name);
  const base = new URL(access.url);
  const tls = base.protocol === 'https:' || services.tlsMandatory;
  const location = tls ? version.endpointTls : version.endpoint;
  const url = location === undefined ? null : URL.parse(location);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw answerInvalid(`${name} ${version.version} has no usable endpoint`);
  if (access.rewriteEndpoints ?? true) return `${base.origin}${url.pathname}${url.search}`;
  if (url.origin !== base.origin || url.username !== '' || url.password !== '')
    throw answerInvalid(`the endpoint of ${name} lies on a foreign origin`);
  return url.href;
}

/** The directory of one Konnektor, kept until `forget`. */
export class ServiceDirectory {
  readonly #egress: KonnektorEgress;
  readonly #access: KonnektorAccess;
  readonly #timeoutMs: number;
  #loaded: Promise<ConnectorServices> | undefined;

  constructor(o: { egress: KonnektorEgress; access: KonnektorAccess; timeoutMs: number }) {
    this.#egress = o.egress;
    this.#access = o.access;
    this.#timeoutMs = o.timeoutMs;
  }

  /** The directory, read once however many ask. A failure is not kept. Throws GatewayError. */
  services(): Promise<ConnectorServices> {
    if (this.#loaded !== undefined) return this.#loaded;
    const loading = this.#load();
    this.#loaded = loading;
    loading.catch(() => {
      if (this.#loaded === loading) this.#loaded = undefined;
    });
    return loading;
  }

  /** Throws GatewayError as `services`, KONNEKTOR_SERVICE_MISSING, KONNEKTOR_ANSWER_INVALID. */
  async endpoint(name: ServiceName): Promise<string> {
    const services = await this.services();
    try {
      return endpointUrl(services, name, this.#access);
    } catch (thrown) {
      throw konnektorError(thrown, this.#what());
    }
  }

  forget(): void {
    this.#loaded = undefined;
  }

  #what(): string {
    return `Konnektor ${this.#access.id}: connector.sds`;
  }

  async #load(): Promise<ConnectorServices> {
    const what = this.#what();
    try {
      const answer = await this.#egress.request('konnektor', {
        url: `${this.#access.url.replace(/\/+$/, '')}/connector.sds`,
        target: this.#access.id,
        method: 'GET',
        headers: { Accept: 'text/xml, application/xml' },
        timeoutMs: this.#timeoutMs,
        maxResponseBytes: MAX_DIRECTORY_BYTES,
      });
      if (answer.status !== 200) throw statusError(answer.status, what);
      return readConnectorServices(answer.body);
    } catch (thrown) {
      throw konnektorError(thrown, what);
    }
  }
}

const MAX_DIRECTORY_BYTES = 1_048_576;
