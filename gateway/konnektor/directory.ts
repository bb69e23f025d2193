// The service directory of one Konnektor, connector.sds (gemSpec_Kon; ILF 4.1.3; konnektor.md section 6): no endpoint path
// is hard-coded (KON-01). Read at the first call, cached, read again after a lost connection.
import { child, childrenOf, parseXml, requireChild, textOf, type XmlElement } from '../../wire/xml.ts';
import type { Egress } from '../egress.ts';
import { answerInvalid, konnektorError, statusError } from './faults.ts';
import { type ServiceAddress, serviceAddress } from './service-versions.ts';
import { NS } from './tables/namespaces.ts';
import type { ServiceName } from './tables/services.ts';

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

/** The directory of one Konnektor, kept until `forget`. */
export class ServiceDirectory {
  readonly #egress: KonnektorEgress;
  readonly #access: KonnektorAccess;
  readonly #timeoutMs: number;
  readonly #onRead: (services: ConnectorServices) => void;
  #loaded: Promise<ConnectorServices> | undefined;
  #date: Date | undefined;

  constructor(o: {
    egress: KonnektorEgress;
    access: KonnektorAccess;
    timeoutMs: number;
    /** Told of what was read, each time. */
    onRead?: (services: ConnectorServices) => void;
  }) {
    this.#egress = o.egress;
    this.#access = o.access;
    this.#timeoutMs = o.timeoutMs;
    this.#onRead = o.onRead ?? (() => {});
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
  async address(name: ServiceName): Promise<ServiceAddress> {
    const services = await this.services();
    try {
      return serviceAddress(services, name, this.#access);
    } catch (thrown) {
      throw konnektorError(thrown, this.#what());
    }
  }

  /** Date of the last answer, as its HTTP header had it; undefined: none, or it had none. */
  get date(): Date | undefined {
    return this.#date;
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
      const date = new Date(answer.headers.date ?? '');
      this.#date = Number.isNaN(date.getTime()) ? undefined : date;
      if (answer.status !== 200) throw statusError(answer.status, what);
      const services = readConnectorServices(answer.body);
      this.#onRead(services);
      return services;
    } catch (thrown) {
      throw konnektorError(thrown, what);
    }
  }
}

const MAX_DIRECTORY_BYTES = 1_048_576;
