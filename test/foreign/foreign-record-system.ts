// A record system by the reference alone (export-flow.md 2 to 5; epa-record-system.md 1 to 4), over the second VAU implementation
// test/support/kyber-peer.ts. It takes what a right client sends and says it in the manners of both vendors.
import { createHash, type KeyObject, randomBytes, randomUUID, sign, X509Certificate } from 'node:crypto';
import { createPeerServer } from '../support/kyber-peer.ts';
import { cbor, createPeerKeys, publicKeysCbor } from '../support/kyber-peer-codec.ts';
import { claimsOf, telematikIdIn, verifyJwt } from './card-jose.ts';
import { json } from './foreign-idp.ts';
import { type Asked, type Listening, type Served, serve } from './tls-server.ts';

export type RecordManner = {
  chunked: boolean;
  innerContentLength: boolean;
  extraKeys: boolean;
  cid: () => string;
  answer: 'plain' | 'multipart';
  talkative: boolean;
  vauNpDigits: number;
  userAuthentication: (telematikId: string) => string;
  /** Order in which the query of the authorization request is written. */
  shuffled: boolean;
  moreInLogin: boolean;
};
export type Stored = {
  entryUuid: string;
  replaces: string | null;
  status: 'Approved' | 'Deprecated';
  bytes: Buffer;
  metadata: string;
};
type VauIdentity = {
  certificateDer: Uint8Array;
  caDer: Uint8Array;
  rootDer: Uint8Array;
  privateKey: KeyObject;
  ocsp: () => Uint8Array;
};

type Session = { nonce?: string; state?: string; telematikId?: string };

export async function startRecordSystem(o: {
  tls: { cert: string; key: string };
  vau: VauIdentity;
  manner: RecordManner;
  /** Origin of the IDP the Location leads to. */
  idp: () => string;
  /** C.AUT of the code's owner, base64; undefined for a code nobody issued. */
  redeem: (code: string) => string | undefined;
  active: (kvnr: string) => boolean;
  now: () => number;
}): Promise<Listening & { documents: Map<string, Stored[]>; inner: string[]; outer: Asked[]; forget(): void }> {
  const { manner, vau } = o;
  const documents = new Map<string, Stored[]>();
  const inner: string[] = [];
  const outer: Asked[] = [];
  const sessions = new Map<string, Session>();
  let origin = '';

  const keys = createPeerKeys();
  const iat = Math.floor(o.now() / 1000) - 3600;
  const signedPubKeys = publicKeysCbor(keys, { iat, exp: iat + 30 * 86_400, comment: 'VAU Server Keys' });
  const certHash = createHash('sha256').update(vau.certificateDer).digest();
  const peer = createPeerServer({
    keys,
    signedKeys: {
      signedPubKeys,
      signature: sign('sha256', signedPubKeys, { key: vau.privateKey, dsaEncoding: 'ieee-p1363' }),
      certHash,
      cdv: 7,
      ocspResponse: vau.ocsp(),
    },
    inventCid: manner.cid,
    ...(manner.extraKeys && {
      more: { 'x-vendor': 'IBM', version: 2, flags: true, nested: { a: Buffer.of(1, 2), b: 'c' } },
    }),
  });

  const cborAnswer = (body: Uint8Array, headers: Record<string, string> = {}): Served => ({
    status: 200,
    headers: { 'Content-Type': 'application/cbor', ...headers },
    body,
    chunked: manner.chunked,
  });

  async function vauMessage(asked: Asked): Promise<Served> {
    if (asked.path === '/VAU') {
      const { cid, m2 } = peer.onM1(asked.body);
      sessions.set(cid, {});
      return cborAnswer(m2, { 'VAU-CID': cid });
    }
    const session = sessions.get(asked.path);
    // what stands in front of the VAU answers in JSON
    if (session === undefined) return json(403, { errorCode: 'unknownCid', errorDetail: 'no such channel' });
    if (asked.headers['content-type'] === 'application/cbor') return cborAnswer(peer.onM3(asked.path, asked.body));
    const frame = await peer.onFrame(asked.path, asked.body, (plaintext) =>
      innerMessage(Buffer.from(plaintext), session),
    );
    return {
      status: 200,
      headers: { 'Content-Type': 'application/octet-stream' },
      body: frame,
      chunked: manner.chunked,
    };
  }

  function innerMessage(plaintext: Buffer, session: Session): Buffer {
    const end = plaintext.indexOf('\r\n\r\n');
    const [start = '', ...lines] = plaintext.subarray(0, end).toString('latin1').split('\r\n');
    const [method = '', path = ''] = start.split(' ');
    const headers = new Map(
      lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*:\s*/, '')]),
    );
    const body = plaintext.subarray(end + 4);
    inner.push(`${method} ${path}`);
    if (!/^[a-zA-Z0-9-]{1,20}\/[a-zA-Z0-9\-.]{1,15}$/.test(headers.get('x-useragent') ?? ''))
      return http(json(400, { errorCode: 'malformedRequest' }));
    if (method === 'POST' && headers.get('content-length') !== String(body.length))
      return http(json(400, { errorCode: 'malformedRequest', errorDetail: 'length' }));
    return http(operation({ method, path, headers, body, session }));
  }

  function operation(o: {
    method: string;
    path: string;
    headers: Map<string, string>;
    body: Buffer;
    session: Session;
  }): Served {
    const { session } = o;
    switch (`${o.method} ${o.path}`) {
      case 'GET /VAU-Status':
        return json(200, {
          'VAU-Type': 'epa',
          'VAU-Version': 'v1.2.3',
          'User-Authentication':
            session.telematikId === undefined ? 'None' : manner.userAuthentication(session.telematikId),
          KeyID: 'ab',
          'Connection-Start': '2026-11-25T01:00:00Z',
        });
      case 'GET /epa/authz/v1/getNonce':
        session.nonce = randomBytes(32).toString('hex');
        return json(200, { nonce: session.nonce });
      case 'GET /epa/authz/v1/send_authorization_request_sc':
        return authorizationRequest(session);
      case 'POST /epa/authz/v1/send_authcode_sc':
        return authorizationCode(session, o.body);
      case 'POST /epa/xds-document/api/I_Document_Management':
        if (session.telematikId === undefined) return json(403, { errorCode: 'invalAuth' });
        return provide(
          o.headers.get('x-insurantid') ?? '',
          o.headers.get('content-type') ?? '',
          o.body,
          session.telematikId,
        );
      default:
        return json(404, { errorCode: 'noResource' });
    }
  }

  function authorizationRequest(session: Session): Served {
    session.state = randomUUID();
    const query: [string, string][] = [
      ['client_id', 'GEMFREMDePAe2zrxzLOR'],
      ['response_type', 'code'],
      ['redirect_uri', 'https://e4a.fremd.example/'],
      ['state', session.state],
      ['code_challenge', createHash('sha256').update(randomUUID()).digest('base64url')],
      ['code_challenge_method', 'S256'],
      ['scope', 'openid ePA-ibm1'],
      ['nonce', randomBytes(16).toString('hex')],
    ];
    if (manner.shuffled) query.reverse();
    // blanks as %20 or as plus: both are a query's way to write them
    const text = query.map(
      ([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%20', manner.shuffled ? '+' : '%20')}`,
    );
    return { status: 302, headers: { Location: `${o.idp()}/auth?${text.join('&')}`, 'Content-Length': '0' } };
  }

  function authorizationCode(session: Session, body: Buffer): Served {
    const { authorizationCode, clientAttest } = JSON.parse(body.toString('utf8')) as Record<string, string>;
    const owner = o.redeem(authorizationCode ?? '');
    const [certificate = ''] = claimsOf(clientAttest ?? '', 0).x5c as string[];
    verifyJwt(clientAttest ?? '', new X509Certificate(Buffer.from(certificate, 'base64')).publicKey);
    const claims = claimsOf(clientAttest ?? '');
    if (owner !== certificate || claims.nonce !== session.nonce || claimsOf(clientAttest ?? '', 0).alg !== 'ES256')
      return json(403, { errorCode: 'invalAuth' });
    session.telematikId = telematikIdIn(certificate);
    const more = manner.moreInLogin ? { actorId: session.telematikId, displayName: 'DiGA & Söhne' } : {};
    return json(200, { 'vau-np': randomBytes(32).toString('hex').slice(0, manner.vauNpDigits), ...more });
  }

  function provide(kvnr: string, contentType: string, body: Buffer, telematikId: string): Served {
    const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1] ?? '';
    const text = body.toString('latin1');
    const [, root = '', document = ''] = text
      .split(`--${boundary}`)
      .map((part) => part.slice(part.indexOf('\r\n\r\n') + 4).replace(/\r\n$/, ''));
    const metadata = Buffer.from(root, 'latin1').toString('utf8');
    const messageId = /MessageID[^>]*>([^<]+)</.exec(metadata)?.[1] ?? '';
    const entryUuid = /ExtrinsicObject[^>]* id="(urn:uuid:[0-9a-f-]{36})"/.exec(metadata)?.[1] ?? '';
    const replaces = /AssociationType:RPLC"[^>]*targetObject="([^"]*)"/.exec(metadata)?.[1] ?? null;
    const record = documents.get(kvnr) ?? [];
    documents.set(kvnr, record);
    const target = record.find((one) => one.entryUuid === replaces);
    if (!metadata.includes(`${telematikId}</`) || (replaces !== null && target?.status !== 'Approved'))
      return registry('Failure', messageId, `Invalid target ID ${replaces} in RPLC association`);
    if (target !== undefined) target.status = 'Deprecated';
    record.push({ entryUuid, replaces, status: 'Approved', bytes: Buffer.from(document, 'latin1'), metadata });
    return registry('Success', messageId);
  }

  function registry(status: 'Success' | 'Failure', messageId: string, context = ''): Served {
    const wsa = (name: string, text: string, more = '') =>
      `<${name} xmlns="http://www.w3.org/2005/08/addressing"${more}>${text}</${name}>`;
    const must = ' xmlns:env="http://www.w3.org/2003/05/soap-envelope" env:mustUnderstand="true"';
    const header =
      wsa('Action', 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse', manner.talkative ? must : '') +
      (manner.talkative ? wsa('MessageID', `urn:uuid:${randomUUID()}`, must) : '') +
      wsa('To', 'http://www.w3.org/2005/08/addressing/anonymous', manner.talkative ? must : '') +
      wsa(
        'RelatesTo',
        messageId,
        manner.talkative ? ' RelationshipType="http://www.w3.org/2005/08/addressing/reply"' : '',
      ) +
      (manner.talkative ? `<s:Security xmlns:s="urn:vendor:security"${must}>x</s:Security>` : '');
    const errors =
      status === 'Success'
        ? ''
        : `<RegistryErrorList highestSeverity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"><RegistryError errorCode="XDSRepositoryError" codeContext="${context}" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error" location=""/></RegistryErrorList>`;
    const response = `<RegistryResponse xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0 rs.xsd" requestId="" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:${status}">${errors}</RegistryResponse>`;
    const envelope = `<?xml version='1.0' encoding='UTF-8'?><Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Header>${header}</Header><Body>${response}</Body></Envelope>`;
    if (manner.answer === 'plain')
      return {
        status: 200,
        headers: { 'content-type': 'application/soap+xml;charset=UTF-8' },
        body: `\ufeff${envelope}`,
      };
    const boundary = `uuid:${randomUUID()}`;
    const startInfo = 'application/soap+xml; action=\\"urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse\\"';
    const body = `\r\n--${boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root.message@cxf.apache.org>\r\n\r\n${envelope}\r\n--${boundary}--`;
    const type = `multipart/related; type="application/xop+xml"; boundary="${boundary}"; start="<root.message@cxf.apache.org>"; start-info="${startInfo}"`;
    return { status: 200, headers: { 'Content-Type': type }, body };
  }

  function http({ status, headers = {}, body = '' }: Served): Buffer {
    const bytes = Buffer.from(body);
    const lines = Object.entries(headers)
      .filter(([name]) => name.toLowerCase() !== 'content-length')
      .map(([name, value]) => `${name}: ${value}`);
    if (manner.innerContentLength) lines.push(`content-length: ${bytes.length}`);
    lines.push('Strict-Transport-Security: max-age=31536000', 'X-Frame-Options:DENY');
    return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} \r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
  }

  const listening = await serve(o.tls, async (asked): Promise<Served> => {
    outer.push(asked);
    if (asked.headers['x-useragent'] === undefined) return json(400, { errorCode: 'malformedRequest' });
    if (asked.path === '/information/api/v1/ehr')
      return o.active(String(asked.headers['x-insurantid']))
        ? { status: 204 }
        : json(404, { errorCode: 'noHealthRecord' });
    if (asked.path === `/CertData.${certHash.toString('hex')}-7`) {
      const map = { cert: vau.certificateDer, ca: vau.caDer, ...(manner.extraKeys && { comment: 'chain follows' }) };
      // rca_chain is an array, which the peer's own CBOR writer does not know: the map is closed by hand (0xff)
      const open = cbor(map).subarray(0, -1);
      const chain = Buffer.concat([cbor('rca_chain'), Buffer.of(0x9f), cbor(vau.rootDer), Buffer.of(0xff)]);
      return cborAnswer(Buffer.concat([open, chain, Buffer.of(0xff)]));
    }
    return asked.method === 'POST' ? vauMessage(asked) : { status: 404 };
  });
  origin = listening.origin;
  return { ...listening, origin, documents, inner, outer, forget: () => sessions.clear() };
}
