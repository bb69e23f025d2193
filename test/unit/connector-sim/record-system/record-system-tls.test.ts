// Faults at `record-system.tls`, seen by a client with the gateway's own TLS profile: what it is told, that only the record
// system named is struck, and that everything is served again afterwards.
import { once } from 'node:events';
import { connect } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Faults } from '../../../../connector-sim/faults.ts';
import { type HttpListener, listen } from '../../../../connector-sim/http-server.ts';
import { Journal } from '../../../../connector-sim/journal.ts';
import { createPki, type SimPki } from '../../../../connector-sim/pki.ts';
import {
  followTlsFaults,
  recordSystemTls,
  recordSystemTlsFaults,
} from '../../../../connector-sim/record-system/record-system-tls.ts';
import { RECORD_SYSTEMS, type RecordSystemId } from '../../../../connector-sim/records.ts';
import { Refusal } from '../../../../connector-sim/refusal.ts';
import { clientTlsOptions } from '../../../../wire/tls.ts';

const AT = 'record-system.tls';
const faults = new Faults({ random: () => 0 });
const listeners = new Map<RecordSystemId, HttpListener>();
let pki: SimPki;

beforeAll(async () => {
  pki = createPki({ telematikId: '9-TEST', organization: 'Test' });
  for (const id of RECORD_SYSTEMS) {
    const listener = await listen({
      port: 0,
      service: id,
      journal: new Journal({ now: () => 0 }),
      handler: async () => ({ status: 204, headers: [], body: '' }),
      tls: recordSystemTls(pki, id),
      onConnection: recordSystemTlsFaults(pki, faults, id),
    });
    followTlsFaults(listener, faults, id);
    listeners.set(id, listener);
  }
});
afterEach(async () => {
  faults.clear();
  await faults.settled();
});
afterAll(() => Promise.all([...listeners.values()].map((listener) => listener.stop())));

const portOf = (id: RecordSystemId) => listeners.get(id)?.port ?? 0;

function dial(id: RecordSystemId): tls.TLSSocket {
  return tls.connect({ ...clientTlsOptions({ ca: pki.tiRoot.certPem }), host: '127.0.0.1', port: portOf(id) });
}

/** `served`, or the code of the error this client ends with. */
async function outcome(id: RecordSystemId): Promise<string> {
  const socket = dial(id);
  try {
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    return text.startsWith('HTTP/1.1 204') ? 'served' : text;
  } catch (error) {
    return String((error as { code?: string }).code);
  } finally {
    socket.destroy();
  }
}

test.each([
  ['wrong-certificate', undefined, 'SELF_SIGNED_CERT_IN_CHAIN'],
  ['wrong-certificate', { name: 'epa-as-9.sim.epa4all.de' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['expired', undefined, 'CERT_HAS_EXPIRED'],
  ['reset', undefined, 'ECONNRESET'],
  ['drop-request', undefined, 'ECONNRESET'],
])('%s %o fails with %s at that record system alone, and the next connection is served', async (kind, params, code) => {
  faults.add({ at: AT, kind, times: 1, params, match: { recordSystem: 'epa-as-2' } });
  expect(await outcome('epa-as-1')).toBe('served');
  expect(await outcome('epa-as-2')).toBe(code);
  expect(await outcome('epa-as-2')).toBe('served');
});

test('hang accepts TCP and never answers the hello, while the other record system is served', async () => {
  faults.add({ at: AT, kind: 'hang', match: { recordSystem: 'epa-as-1' } });
  const socket = dial('epa-as-1');
  let secured = false;
  socket.on('secureConnect', () => {
    secured = true;
  });
  await once(socket, 'connect');
  expect(await outcome('epa-as-2')).toBe('served');
  expect([secured, faults.list()[0]?.struckAt]).toEqual([false, { 'epa-as-1': 1 }]);
  faults.clear();
  expect(await outcome('epa-as-1')).toBe('served');
  socket.destroy();
});

describe('refuse', () => {
  test('refuses connections until it is switched off, then the same port serves again', async () => {
    const port = portOf('epa-as-1');
    for (const _again of [1, 2]) {
      const { id } = faults.add({ at: AT, kind: 'refuse', match: { recordSystem: 'epa-as-1' } });
      expect(await outcome('epa-as-1')).toBe('ECONNREFUSED');
      expect(await outcome('epa-as-2')).toBe('served');
      expect(faults.list()).toMatchObject([{ id, struck: 1, struckAt: { 'epa-as-1': 1 } }]);
      faults.clear(id);
      await faults.settled();
      expect(await outcome('epa-as-1')).toBe('served');
    }
    expect(portOf('epa-as-1')).toBe(port);
  });

  test('without match closes both record systems', async () => {
    faults.add({ at: AT, kind: 'refuse' });
    expect([await outcome('epa-as-1'), await outcome('epa-as-2')]).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
  });

  test.each(['times', 'after', 'probability'])('is refused with %s, which it cannot count', (member) => {
    expect(() => faults.add({ at: AT, kind: 'refuse', [member]: 1 })).toThrow(Refusal);
  });
});

describe('connections that stand', () => {
  test('are ended when a fault is switched on here, not for the other record system', async () => {
    const [here, there] = [connect(portOf('epa-as-1'), '127.0.0.1'), connect(portOf('epa-as-2'), '127.0.0.1')];
    await Promise.all([once(here, 'connect'), once(there, 'connect')]);
    // The server has both once it has answered somebody who came later.
    expect([await outcome('epa-as-1'), await outcome('epa-as-2')]).toEqual(['served', 'served']);
    let ended = false;
    there.on('close', () => {
      ended = true;
    });
    const closed = once(here, 'close');
    here.resume();
    faults.add({ at: AT, kind: 'hang', match: { recordSystem: 'epa-as-1' } });
    await closed;
    expect(await outcome('epa-as-2')).toBe('served');
    expect(ended).toBe(false);
    there.destroy();
  });

  test('are left alone by params.keep and by faults elsewhere', async () => {
    const socket = connect(portOf('epa-as-1'), '127.0.0.1');
    await once(socket, 'connect');
    let ended = false;
    socket.on('close', () => {
      ended = true;
    });
    socket.resume();
    faults.add({ at: AT, kind: 'reset', times: 1, params: { keep: true } });
    faults.add({ at: 'vau.data', kind: 'hang' });
    expect([await outcome('epa-as-1'), await outcome('epa-as-1')]).toEqual(['ECONNRESET', 'served']);
    expect(ended).toBe(false);
    socket.destroy();
  });
});
