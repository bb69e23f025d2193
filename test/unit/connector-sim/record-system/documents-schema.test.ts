// The official files as judges of the simulated document service: its answers against ebRS and SOAP, our own schema check
// against the XSD on the same messages, and gematik's published DiGA examples brought to ePA 3 (style.md B3).
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { schemaViolation } from '../../../../connector-sim/record-system/ebrim-schema.ts';
import { type HttpResponse, header } from '../../../../wire/http-message.ts';
import { inlineXop, isMultipart, readMtom } from '../../../../wire/mtom.ts';
import { readEnvelope } from '../../../../wire/soap.ts';
import { XsdJudge } from '../../../conformance/xsd.ts';
import { envelopeOf, newDocument, PATH, packed, post, provide } from '../../../support/iti41-message.ts';
import { outcome, signedOn } from '../../../support/iti41-session.ts';
import { describeWithSchemas } from '../../../support/schemas.ts';
import { KVNR, mintCard, UNENTITLED_KVNR } from '../../../support/sim-services.ts';
import { replace, schema } from '../tables/iti41-strict.ts';

const BODY = "/*[local-name()='Envelope']/*[local-name()='Body']/*[1]";

async function judgeAnswer(judge: XsdJudge, response: HttpResponse): Promise<string[]> {
  const contentType = header(response.headers, 'content-type') ?? '';
  const xml = isMultipart(contentType) ? (await readMtom(contentType, response.body)).root : response.body;
  const body = judge.extract(xml, BODY);
  return body === undefined ? ['no body'] : judge.judge(body).faults;
}

function judgeRequest(judge: XsdJudge, envelope: string): string[] {
  const parts = new Map([['document@test', { contentType: 'application/octet-stream', bytes: Buffer.from('<x/>') }]]);
  const body = judge.extract(inlineXop(Buffer.from(envelope), parts), BODY);
  return body === undefined ? ['no body'] : judge.judge(body).faults;
}

describeWithSchemas('official XSD', (dir) => {
  const judge = new XsdJudge(dir);

  test('every answer of the document service is valid', async () => {
    const { sim, channel } = await signedOn();
    for (const form of ['soap', 'multipart'] as const) {
      sim.world.choices.answerForm = form;
      const first = newDocument();
      expect(await judgeAnswer(judge, (await provide(channel, first)).response)).toEqual([]);
      expect(await judgeAnswer(judge, (await provide(channel, first)).response)).toEqual([]);
      const wrong = newDocument({ edit: replace('nodeRepresentation="DUR"', 'nodeRepresentation="BRI"') });
      expect(await judgeAnswer(judge, (await provide(channel, wrong)).response)).toEqual([]);
      expect(
        await judgeAnswer(judge, (await provide(channel, newDocument({ kvnr: UNENTITLED_KVNR }))).response),
      ).toEqual([]);
    }
  });

  test.each([
    ['urn:ihe:iti:2007:RegistryStoredQuery', 'AdhocQueryResponse'],
    ['urn:ihe:iti:2007:RetrieveDocumentSet', 'RetrieveDocumentSetResponse'],
    ['urn:ihe:iti:2010:DeleteDocumentSet', 'RegistryResponse'],
    ['urn:ihe:iti:2018:RestrictedUpdateDocumentSet', 'RegistryResponse'],
  ])('the refusal of %s is a valid %s', async (action, name) => {
    const { channel } = await signedOn();
    const body = `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><soap:Header><wsa:Action>${action}</wsa:Action><wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:To>x</wsa:To></soap:Header><soap:Body><x xmlns="urn:x"/></soap:Body></soap:Envelope>`;
    const { response } = await post(channel, { contentType: 'application/soap+xml', body, insurant: KVNR });
    expect(readEnvelope(response.body).body?.name).toBe(name);
    expect(await judgeAnswer(judge, response)).toEqual([]);
  });

  test('a good ITI-41 is valid for both, the XSD and our own schema check', () => {
    const envelope = envelopeOf(newDocument({ replaces: 'urn:uuid:0a0b0c0d-1111-4222-8333-00000000ffff' }));
    expect(judgeRequest(judge, envelope)).toEqual([]);
    const body = readEnvelope(envelope).body;
    expect(body === undefined ? 'no body' : schemaViolation(body)).toBe(null);
  });

  test.each(schema.map(([what, edit]) => [what, edit] as const))('%s is invalid for both', (_what, edit) => {
    const envelope = envelopeOf(newDocument({ edit }));
    expect(judgeRequest(judge, envelope)).not.toEqual([]);
    const body = readEnvelope(envelope).body;
    expect(body === undefined ? 'no body' : schemaViolation(body)).not.toBe(null);
  });
});

describeWithSchemas('gematik examples of a DiGA upload, brought from ePA 2.6 to 3', (dir) => {
  const example = (name: string) => readFileSync(`${dir}/schemas/epa/examples/epa2.6-diga/${name}.xml`, 'utf8');
  const telematikId = '9-SMC-B-Testkarte-883110000119267';
  // ContextHeader, home community and RequestSlotList belong to ePA 2 alone (SOURCE.md of the examples)
  const toVersion3 = (xml: string) =>
    xml
      .replace(/<homeCommunityBlock.*?<\/homeCommunityBlock>/s, '')
      .replace(/<ns5:ContextHeader.*?<\/ns5:ContextHeader>/s, '')
      .replace(/<ns6:RequestSlotList>.*?<\/ns6:RequestSlotList>/s, '')
      .replaceAll(/ home="[^"]*"/g, '')
      .replace(/cid:[^"]*/, 'cid:document%40test')
      .replaceAll(/[A-Z]\d{9}(?=\^\^\^)/g, KVNR);

  test('both are accepted, the replacement after the document it replaces', async () => {
    const { sim, channel } = await signedOn({}, { card: mintCard({ telematikId }) });
    const record = sim.world.records.get(KVNR);
    record?.entitled.add(telematikId);
    const replacement = toVersion3(example('request_replace'));
    const target = /RPLC" sourceObject="[^"]*" targetObject="([^"]*)"/.exec(replacement)?.[1] ?? '';
    const first = toVersion3(example('request_noreplace'));
    const firstId = /<ns5:ExtrinsicObject [^>]*id="(urn:uuid:[^"]*)"/.exec(first)?.[1] ?? '';
    for (const [xml, content] of [
      [first.replaceAll(firstId, target), '<a/>'],
      [replacement, '<b/>'],
    ] as const) {
      const { contentType, body } = await packed(xml, Buffer.from(content));
      const { response, rule } = await post(channel, { contentType, body, insurant: KVNR });
      expect({ ...(await outcome(response)), rule }).toEqual({ status: 'Success', rule: null });
    }
    expect(record?.documents.map((d) => d.status)).toEqual(['Deprecated', 'Approved']);
  });

  test('as they are, with what belongs to ePA 2, they are refused', async () => {
    const { sim, channel } = await signedOn({}, { card: mintCard({ telematikId }) });
    sim.world.records.get(KVNR)?.entitled.add(telematikId);
    const { contentType, body } = await packed(
      example('request_noreplace').replace(/cid:[^"]*/, 'cid:document%40test'),
      Buffer.from('<a/>'),
    );
    expect((await post(channel, { contentType, body, insurant: KVNR })).rule).toBe('xds.home-community');
  });
});

describe('MTOM of other stacks', () => {
  test('with the Content-Type of CXF and of a Python client is read', async () => {
    const { channel } = await signedOn();
    const types = [
      'multipart/related; type="application/xop+xml"; boundary="boundary-of-the-test"; start="<root@test>"; start-info="application/soap+xml; action=\\"urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b\\""',
      'multipart/related;start-info="application/soap+xml";type="application/xop+xml";action="urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b";boundary=boundary-of-the-test',
    ];
    for (const contentType of types) {
      const document = newDocument();
      const { body } = await packed(envelopeOf(document), document.content);
      expect(await outcome((await post(channel, { contentType, body, insurant: KVNR })).response)).toEqual({
        status: 'Success',
      });
    }
  });

  test('cut off before its last boundary, or with another content type, is a SOAP fault', async () => {
    const { channel } = await signedOn();
    const document = newDocument();
    const { contentType, body } = await packed(envelopeOf(document), document.content);
    const cut = await post(channel, { contentType, body: body.subarray(0, -8), insurant: KVNR });
    expect({ ...(await outcome(cut.response)), rule: cut.rule }).toEqual({ fault: 'Sender', rule: 'xds.mtom' });
    const plain = await post(channel, {
      contentType: 'application/soap+xml',
      body: envelopeOf(document),
      insurant: KVNR,
    });
    expect(plain.rule).toBe('xds.mtom');
    const json = await post(channel, { contentType: 'application/json', body: '{}', insurant: KVNR });
    expect(json.rule).toBe('xds.content-type');
    expect((await channel.exchange({ path: PATH })).rule).toBe('inner.method');
  });
});
