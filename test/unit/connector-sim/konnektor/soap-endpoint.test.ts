// The strict door of the Konnektor (konnektor.md 1): transport rules, SOAP rules, order and types of every element.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addCard } from '../../../../connector-sim/konnektor/inventory.ts';
import { KONNEKTOR_PROFILES, KONNEKTOR_VENDORS } from '../../../../connector-sim/tables/konnektor-profiles.ts';
import { readEnvelope } from '../../../../wire/soap.ts';
import { context, find, findText, type KonnektorBench, startKonnektorBench } from '../../../support/konnektor-bench.ts';

let bench: KonnektorBench;
beforeEach(async () => {
  bench = await startKonnektorBench();
});
afterEach(() => bench.stop());

const send = async (change: (sent: { headers: Record<string, string>; body: string | Uint8Array }) => void) => {
  const sent: { headers: Record<string, string>; body: string | Uint8Array } = {
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: bench.soapAction('GetCards') },
    body: bench.envelope('GetCards', context()),
  };
  change(sent);
  const answer = await bench.raw(bench.path('GetCards'), sent);
  return { status: answer.status, fault: readEnvelope(answer.text).fault };
};

describe('transport', () => {
  test('the unchanged message passes', async () => expect((await send(() => undefined)).status).toBe(200));

  test.each<[string, Parameters<typeof send>[0]]>([
    ['no SOAPAction', (s) => delete s.headers.soapaction],
    ['an empty SOAPAction', (s) => (s.headers.soapaction = '""')],
    ['the SOAPAction of another operation', (s) => (s.headers.soapaction = bench.soapAction('GetCardTerminals'))],
    ['SOAP 1.2’s content type', (s) => (s.headers['content-type'] = 'application/soap+xml; charset=utf-8')],
    ['no content type', (s) => delete s.headers['content-type']],
    ['another encoding announced', (s) => (s.headers['content-type'] = 'text/xml; charset=iso-8859-1')],
    ['another encoding declared', (s) => (s.body = `<?xml version="1.0" encoding="ISO-8859-1"?>${s.body}`)],
    ['bytes that are not UTF-8', (s) => (s.body = Buffer.from(String(s.body).replace('>m1<', '>\u00e4<'), 'latin1'))],
    ['no XML', (s) => (s.body = 'GetCards')],
    ['an empty body', (s) => (s.body = '')],
    ['a DOCTYPE', (s) => (s.body = `<!DOCTYPE x>${s.body}`)],
    ['an undeclared prefix', (s) => (s.body = String(s.body).replaceAll('CCTX:', 'other:'))],
    [
      'an operation of another namespace',
      (s) => (s.body = String(s.body).replace('EventService/v7.2', 'EventService/v7.1')),
    ],
    ['an unknown operation', (s) => (s.body = String(s.body).replaceAll('GetCards', 'GetMoreCards'))],
    ['two operations', (s) => (s.body = String(s.body).replace(/(<EVT:GetCards>.*<\/EVT:GetCards>)/, '$1$1'))],
    ['nothing in the body', (s) => (s.body = String(s.body).replace(/<EVT:GetCards>.*<\/EVT:GetCards>/, ''))],
    [
      'a header block that must be understood',
      (s) =>
        (s.body = String(s.body).replace(
          '<s:Body>',
          '<s:Header><x xmlns="urn:x" s:mustUnderstand="1"/></s:Header><s:Body>',
        )),
    ],
  ])('%s is refused with 500 and 4000', async (_what, change) => {
    const { status, fault } = await send(change);
    expect(status).toBe(500);
    expect(findText(fault?.detail[0], 'Code')).toBe('4000');
  });

  test('SOAP 1.2 is a version mismatch', async () => {
    const { fault } = await send((s) => {
      s.body = String(s.body).replace(
        'http://schemas.xmlsoap.org/soap/envelope/',
        'http://www.w3.org/2003/05/soap-envelope',
      );
    });
    expect([fault?.version, fault?.code]).toEqual(['1.1', 'VersionMismatch']);
  });

  describe('a header block that nobody here knows (SOAP 1.1 4.2.2, 4.2.3, 4.4)', () => {
    const block = (attributes: string) =>
      send((s) => {
        s.body = String(s.body).replace('<s:Body>', `<s:Header><x xmlns="urn:x" ${attributes}/></s:Header><s:Body>`);
      });
    const next = 's:actor="http://schemas.xmlsoap.org/soap/actor/next"';

    test.each(['', ' s:actor=""', ` ${next}`])('that must be understood%s is said so', async (actor) => {
      const { status, fault } = await block(`s:mustUnderstand="1"${actor}`);
      expect([status, fault?.code]).toEqual([500, 'MustUnderstand']);
    });
    test.each(['s:mustUnderstand="0"', 's:mustUnderstand="1" s:actor="urn:somebody-else"', next, ''])(
      'with %j is not ours to refuse',
      async (attributes) => expect((await block(attributes)).status).toBe(200),
    );
  });

  test('a byte order mark, other prefixes, comments and xsi attributes are no faults', async () => {
    const { status } = await send((s) => {
      const named = String(s.body)
        .replaceAll('CCTX', 'x')
        .replaceAll('CONN', 'y')
        .replace('<s:Body>', '<!-- hint --><s:Body>');
      s.body = `\ufeff${named.replace('<x:Context>', '<x:Context xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">')}`;
    });
    expect(status).toBe(200);
  });

  test.each([
    ['rise', '', 200],
    ['rise', '"http://ws.gematik.de/conn/EventService/v7.2#GetCards"', 200],
    ['rise', '"http://ws.gematik.de/conn/EventService/v7.2#GetCardTerminals"', 500],
    ['secunet', '', 500],
    ['kocobox', '"http://ws.gematik.de/conn/EventService/v7.2#GetCards"', 500],
  ] as const)(
    'application/xml at a Konnektor of %s with the SOAPAction %j is %i',
    async (vendor, soapaction, expected) => {
      bench.world.choices.konnektorVendor = vendor;
      const { status } = await send((s) => {
        s.headers['content-type'] = 'application/xml';
        delete s.headers.soapaction;
        if (soapaction !== '') s.headers.soapaction = soapaction;
      });
      expect(status).toBe(expected);
    },
  );

  test.each([
    ['rise', 'Dr. Who', 500],
    ['rise', 'dr.who', 500],
    ['rise', 'dr_who-2', 200],
    ['secunet', 'Dr. Who', 200],
  ] as const)('at a Konnektor of %s the UserId %j is %i', async (vendor, userId, expected) => {
    bench.world.choices.konnektorVendor = vendor;
    const { status, fault } = await send((s) => {
      s.body = String(s.body).replace('</CCTX:Context>', `<CONN:UserId>${userId}</CONN:UserId></CCTX:Context>`);
    });
    expect([status, findText(fault?.detail[0], 'Code')]).toEqual([expected, expected === 500 ? '4000' : undefined]);
  });

  test('another path is 404, another method at connector.sds 405', async () => {
    expect((await bench.raw('/nowhere', { body: '' })).status).toBe(404);
    expect((await bench.raw('/connector.sds', { body: '' })).status).toBe(405);
  });

  test('lenient takes a wrong SOAPAction, and nothing else', async () => {
    const lenient = await startKonnektorBench({ strict: false });
    const headers = { 'content-type': 'text/xml; charset=utf-8' };
    const good = await lenient.raw(lenient.path('GetCards'), {
      headers,
      body: lenient.envelope('GetCards', context()),
    });
    const bad = await lenient.raw(lenient.path('GetCards'), { headers, body: lenient.envelope('GetCards', '') });
    await lenient.stop();
    expect([good.status, bad.status]).toEqual([200, 500]);
  });
});

describe('structure', () => {
  const h = '<CONN:CardHandle>x</CONN:CardHandle>';
  const hash = '<SIG:BinaryString><dss:Base64Data>AAAA</dss:Base64Data></SIG:BinaryString>';
  test.each<[string, Parameters<KonnektorBench['call']>]>([
    ['GetCards without context', ['GetCards', '']],
    ['GetCards with the context twice', ['GetCards', context() + context()]],
    [
      'GetCards with CardType before SlotId',
      ['GetCards', `${context()}<CARDCMN:CardType>EGK</CARDCMN:CardType><CARDCMN:SlotId>1</CARDCMN:SlotId>`],
    ],
    ['GetCards with an unknown CardType', ['GetCards', `${context()}<CARDCMN:CardType>KSP</CARDCMN:CardType>`]],
    ['GetCards with slot 0', ['GetCards', `${context()}<CARDCMN:SlotId>0</CARDCMN:SlotId>`]],
    ['GetCards with an empty CtId', ['GetCards', `${context()}<CARDCMN:CtId></CARDCMN:CtId>`]],
    ['GetCards with an unknown attribute', ['GetCards', context(), ' mandantwide="true"']],
    ['GetCards with mandant-wide="yes"', ['GetCards', context(), ' mandant-wide="yes"']],
    ['GetCards with text between elements', ['GetCards', `${context()} text`]],
    ['GetCards with an unqualified element', ['GetCards', `${context()}<SlotId>1</SlotId>`]],
    [
      'a context in the wrong order',
      ['GetCards', context().replace(/(<CONN:MandantId>.*<\/CONN:MandantId>)(.*)(<\/CCTX:Context>)/, '$2$1$3')],
    ],
    ['a Mandant of 65 characters', ['GetCards', context('m'.repeat(65))]],
    ['an element inside a Mandant', ['GetCards', context('<CONN:UserId>u</CONN:UserId>')]],
    [
      'GetResourceInformation with a slot and no terminal',
      ['GetResourceInformation', `${context()}<CARDCMN:SlotId>1</CARDCMN:SlotId>`],
    ],
    [
      'GetResourceInformation with an ICCSN of 19 digits',
      ['GetResourceInformation', `${context()}<CARDCMN:Iccsn>${'1'.repeat(19)}</CARDCMN:Iccsn>`],
    ],
    [
      'GetPinStatus with the handle before the context',
      ['GetPinStatus', `${h}${context()}<CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`],
    ],
    ['GetPinStatus without PinTyp', ['GetPinStatus', `${context()}${h}`]],
    [
      'VerifyPin with PinTyp in the CARD namespace',
      ['VerifyPin', `${context()}${h}<CARD:PinTyp>PIN.SMC</CARD:PinTyp>`],
    ],
    [
      'ReadCardCertificate with the context before the handle',
      [
        'ReadCardCertificate',
        `${context()}${h}<CERT:CertRefList><CERT:CertRef>C.AUT</CERT:CertRef></CERT:CertRefList>`,
      ],
    ],
    ['ReadCardCertificate with an empty list', ['ReadCardCertificate', `${h}${context()}<CERT:CertRefList/>`]],
    [
      'ReadCardCertificate of C.CH',
      ['ReadCardCertificate', `${h}${context()}<CERT:CertRefList><CERT:CertRef>C.CH</CERT:CertRef></CERT:CertRefList>`],
    ],
    [
      'ReadCardCertificate with another Crypt',
      [
        'ReadCardCertificate',
        `${h}${context()}<CERT:CertRefList><CERT:CertRef>C.AUT</CERT:CertRef></CERT:CertRefList><CERT:Crypt>DSA</CERT:Crypt>`,
      ],
    ],
    ['ExternalAuthenticate without a hash', ['ExternalAuthenticate', `${h}${context()}`]],
    [
      'ExternalAuthenticate with OptionalInputs behind the hash',
      ['ExternalAuthenticate', `${h}${context()}${hash}<SIG:OptionalInputs/>`],
    ],
    [
      'ExternalAuthenticate with another MimeType',
      ['ExternalAuthenticate', `${h}${context()}${hash.replace('Data>', 'Data MimeType="text/plain">')}`],
    ],
    [
      'ExternalAuthenticate with text that is not base64',
      ['ExternalAuthenticate', `${h}${context()}${hash.replace('AAAA', 'A*AA')}`],
    ],
    [
      'ExternalAuthenticate with an unknown SignatureType',
      [
        'ExternalAuthenticate',
        `${h}${context()}<SIG:OptionalInputs><dss:SignatureType>urn:x</dss:SignatureType></SIG:OptionalInputs>${hash}`,
      ],
    ],
  ])('%s is 4000', async (_what, call) => {
    const answer = await bench.call(...call);
    expect([answer.status, answer.code]).toEqual([500, 4000]);
  });

  test('a refusal names its rule in the journal, and never a value', async () => {
    await bench.call('GetCards', context('secret-mandant', 'x y', 'z'.repeat(70)));
    const [entry] = bench.journal.entries();
    expect(entry?.rule).toMatch(/^konnektor\.4000: value of WorkplaceId/);
    expect(entry?.operation).toBe('GetCards');
  });
});

test.each([
  ['/cardservice', 'DISABLED'],
  ['/cardservice811', 'VERIFIED'],
  ['/cardservice810', 'VERIFIED'],
] as const)('%s says %s of an HSM-B: DISABLED came with schema 8.1.3', async (path, expected) => {
  bench.world.choices.konnektorVendor = 'kops';
  bench.world.choices.hsmPinStatus = 'DISABLED';
  const { world, pki } = bench;
  const seed = { cardType: 'HSM-B', telematikId: '9-X' } as const;
  const { cardHandle } = addCard(world.konnektor, seed, { pki, now: world.now(), random: world.random });
  const body = `${context()}<CONN:CardHandle>${cardHandle}</CONN:CardHandle><CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
  const { text } = await bench.raw(path, {
    headers: { 'content-type': 'text/xml', soapaction: bench.soapAction('GetPinStatus') },
    body: bench.envelope('GetPinStatus', body),
  });
  expect(findText(readEnvelope(text).body, 'PinStatus')).toBe(expected);
});

test('connector.sds names each service at an address that answers it, in the shape of every vendor', async () => {
  for (const vendor of KONNEKTOR_VENDORS) {
    bench.world.choices.konnektorVendor = vendor;
    const sds = await bench.raw('/connector.sds', { method: 'GET' });
    const locations = [...sds.text.matchAll(/Location="([^"]+)"/g)].map((m) => m[1] ?? '');
    expect(locations).toContain(bench.url + bench.path('GetCards'));
    const answer = await bench.call('GetCards', context());
    expect(find(answer.soap.body, 'Cards')?.children).toHaveLength(2);
    for (const location of new Set(locations)) {
      expect((await bench.raw(location, { body: '' })).status, location).not.toBe(404);
    }
    // one URL per revision at one vendor, one for all of them at the others
    const older = vendor === 'kops' ? 4 : 0;
    const extra = Object.values(KONNEKTOR_PROFILES[vendor].extra).flatMap((all) => all.map((one) => one.path));
    const plainly = KONNEKTOR_PROFILES[vendor].plainEndpoints ? 2 : 1;
    const paths = 5 + older + new Set(extra).size;
    expect(new Set(locations).size, vendor).toBe(paths * plainly);
  }
});
