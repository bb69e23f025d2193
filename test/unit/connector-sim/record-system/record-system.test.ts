// The outer routes of the simulated record system: CertData with its fault, and the record status of I_Information_Service
// (epa-record-system.md 1.4, 3.1).
import { describe, expect, test } from 'vitest';
import { readCertificate } from '../../../../certs/certificate.ts';
import { cborBytes } from '../../../../wire/cbor.ts';
import { ask, bytesOf, createTestSim, sharedPki } from '../../../support/sim-services.ts';
import { startHandshake } from '../../../support/vau-test-client.ts';
import { certData, failedChecks } from '../../../support/vau-test-judge.ts';

describe('CertData', () => {
  test('fault wrong-certificate delivers another certificate, or the right one with a foreign chain', async () => {
    const sim = createTestSim();
    const { signed } = await startHandshake(sim.recordSystem);
    sim.faults.add({ at: 'certdata', kind: 'wrong-certificate', times: 1 });
    const other = readCertificate(cborBytes(await certData(sim, signed), 'cert'));
    expect(Buffer.compare(other.sha256, signed.certHash)).not.toBe(0);
    sim.faults.add({ at: 'certdata', kind: 'wrong-certificate', params: { which: 'ca' }, times: 1 });
    const map = await certData(sim, signed);
    expect(Buffer.compare(readCertificate(cborBytes(map, 'cert')).sha256, signed.certHash)).toBe(0);
    expect(readCertificate(cborBytes(map, 'ca')).subject).toBe(sharedPki().componentCa.certificate.subject);
    expect(Buffer.compare(cborBytes(map, 'ca'), sharedPki().componentCa.certificate.der)).not.toBe(0);
    expect(await failedChecks(sim, signed)).toEqual([]);
  });

  test('is a GET', async () => {
    const answer = await ask(createTestSim().recordSystem, { method: 'POST', url: `/CertData.${'0'.repeat(64)}-1` });
    expect(answer).toMatchObject({ status: 405, rule: 'http.method' });
  });
});

test('a path that is none of its own is 404', async () => {
  const answer = await ask(createTestSim().recordSystem, { url: '/epa/authz/v1/getNonce' });
  expect(answer).toMatchObject({ status: 404, rule: 'http.path' });
});

describe('record status', () => {
  test.each([
    ['ACTIVATED', 204, undefined],
    ['INITIALIZED', 404, 'noHealthRecord'],
    ['UNKNOWN', 404, 'noHealthRecord'],
    ['SUSPENDED', 409, 'statusMismatch'],
    ['INACCESSIBLE', 409, 'statusMismatch'],
  ] as const)('%s is answered %i', async (status, http, errorCode) => {
    const sim = createTestSim();
    const [record] = sim.world.records.values();
    if (record === undefined) throw new Error('no record');
    record.status = status;
    const headers: [string, string][] = [
      ['x-insurantid', record.kvnr],
      ['x-useragent', 'A/1'],
    ];
    const answer = await ask(sim.recordSystem, { url: '/information/api/v1/ehr', headers });
    const body = bytesOf(answer);
    expect({
      http: answer.status,
      body: body.length === 0 ? undefined : JSON.parse(String(Buffer.from(body))).errorCode,
    }).toEqual({
      http,
      body: errorCode,
    });
    const other = await ask(sim.otherSystem, { url: '/information/api/v1/ehr', headers });
    expect({ http: other.status, rule: other.rule }).toEqual({ http: 404, rule: 'record.unknown' });
  });

  test.each([
    ['no x-useragent', [['x-insurantid', 'X110411675']], 'information.useragent'],
    [
      'a KVNR of another form',
      [
        ['x-insurantid', '110411675'],
        ['x-useragent', 'A/1'],
      ],
      'record.insurant-id',
    ],
  ] as [string, [string, string][], string][])('with %s it is 400 malformedRequest', async (_what, headers, rule) => {
    const answer = await ask(createTestSim().recordSystem, { url: '/information/api/v1/ehr', headers });
    expect({ http: answer.status, rule: answer.rule }).toEqual({ http: 400, rule });
  });
});
