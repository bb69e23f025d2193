// Cards and terminals beside the default world's: SM-Bs of every kind, and the bystanders HBA, eGK, SMC-KT (konnektor.md 2.2, 3, 8;
// D27): what they show, which PINs they have, whose card sessions count, and how they sign.
import { constants, createHash, randomBytes, verify } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readCertificate } from '../../../../certs/certificate.ts';
import { restartKonnektor, setConnected, setInserted } from '../../../../connector-sim/konnektor/cards.ts';
import { addCard, addTerminal, removeCard, removeTerminal } from '../../../../connector-sim/konnektor/inventory.ts';
import type { SimCard } from '../../../../connector-sim/konnektor/model.ts';
import { isKvnr } from '../../../../connector-sim/kvnr.ts';
import { Refusal } from '../../../../connector-sim/refusal.ts';
import {
  addClientSystem,
  type BenchOperation,
  context,
  find,
  findText,
  type KonnektorBench,
  startKonnektorBench,
} from '../../../support/konnektor-bench.ts';
import { messageOf } from '../../../support/konnektor-messages.ts';

let bench: KonnektorBench;
beforeAll(async () => {
  bench = await startKonnektorBench();
});
beforeEach(() => bench.world.reset());
afterAll(() => bench.stop());

const konnektor = () => bench.world.konnektor;
const add = (seed: Parameters<typeof addCard>[1]) =>
  addCard(konnektor(), seed, { pki: bench.pki, now: bench.world.now(), random: bench.world.random });
const cards = async (filter = '', wide = '') => {
  const type = filter === '' ? '' : `<CARDCMN:CardType>${filter}</CARDCMN:CardType>`;
  const answer = await bench.call('GetCards', `${context()}${type}`, wide);
  return find(answer.soap.body, 'Cards')?.children ?? [];
};
type AskOptions = { userId?: string; pinTyp?: string; clientSystem?: string };
const ask = async (operation: BenchOperation, card: SimCard, o: AskOptions = {}) => {
  const ids = { clientSystem: o.clientSystem, ...(o.userId === undefined ? {} : { userId: o.userId }) };
  const message = messageOf(bench, operation, { cardHandle: card.cardHandle ?? '', ids });
  const { soap, code } = await bench.call(operation, message.replace('PIN.SMC', o.pinTyp ?? 'PIN.SMC'));
  return code ?? findText(soap.body, 'PinStatus') ?? findText(soap.body, 'PinResult') ?? findText(soap.body, 'Result');
};

describe('what GetCards shows', () => {
  test('each by its type; SM-B and HBAx collect', async () => {
    addTerminal(konnektor(), { ctId: 'CT_2' });
    for (const cardType of ['HBA', 'EGK'] as const) add({ cardType });
    for (const cardType of ['SMC-B', 'HSM-B'] as const) add({ cardType, telematikId: '9-X' });
    const types = async (filter: string) => (await cards(filter)).map((c) => findText(c, 'CardType')).sort();
    expect(await types('SM-B')).toEqual(['HSM-B', 'SMC-B', 'SMC-B']);
    expect(await types('HBAx')).toEqual(['HBA']);
    expect(await types('EGK')).toEqual(['EGK']);
    expect(await types('KVK')).toEqual([]);
    expect(await types('')).toEqual(['EGK', 'HBA', 'HSM-B', 'SMC-B', 'SMC-B', 'SMC-KT'].sort());
  });

  test('an eGK has an invented KVNR with a right check digit, nobody else has one', async () => {
    add({ cardType: 'EGK' });
    add({ cardType: 'HBA' });
    const shown = (await cards()).map((c) => [findText(c, 'CardType'), findText(c, 'Kvnr')]);
    expect(shown.filter(([, kvnr]) => kvnr !== undefined).map(([type]) => type)).toEqual(['EGK']);
    expect(isKvnr(shown.find(([type]) => type === 'EGK')?.[1] ?? '')).toBe(true);
  });

  test('an HSM-B lies in a virtual terminal', async () => {
    const hsm = add({ cardType: 'HSM-B', telematikId: '9-X' });
    const { soap } = await bench.call('GetCardTerminals', context());
    const terminals = find(soap.body, 'CardTerminals')?.children ?? [];
    expect(terminals.map((t) => [findText(t, 'CtId'), findText(t, 'IS_PHYSICAL')])).toEqual([
      ['CT_SIM_0001', 'true'],
      [hsm.ctId, 'false'],
    ]);
  });

  test('two SMC-Bs of one holder at the same time (KON-09)', async () => {
    const second = add({ cardType: 'SMC-B', telematikId: '9-DEMO-DIGA-0001' });
    expect((await cards('SM-B')).map((c) => findText(c, 'Iccsn'))).toEqual([bench.pki.smcb.iccsn, second.iccsn]);
  });
});

describe('handles', () => {
  test('never come twice, whatever happens to card, terminal and Konnektor', () => {
    const seen: string[] = [];
    const card = add({ cardType: 'SMC-B', telematikId: '9-X', pinStatus: 'VERIFIED' });
    const [terminal] = konnektor().terminals.values();
    if (terminal === undefined) throw new Error('no terminal');
    const note = () => seen.push(...[...konnektor().cards.values()].map((one) => one.cardHandle ?? ''));
    note();
    expect(card.verifiedFor.size).toBe(1);
    for (let i = 0; i < 3; i += 1) {
      setInserted(konnektor(), card, false, bench.world.now());
      setInserted(konnektor(), card, true, bench.world.now());
      setConnected(konnektor(), terminal, false, bench.world.now());
      setConnected(konnektor(), terminal, true, bench.world.now());
      note();
      restartKonnektor(konnektor(), bench.world.now());
      note();
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(card.verifiedFor.size).toBe(0);
  });

  test('a card taken away is gone for every call', async () => {
    const card = add({ cardType: 'SMC-B', telematikId: '9-X', pinStatus: 'VERIFIED' });
    const cardHandle = card.cardHandle ?? '';
    removeCard(konnektor(), card);
    const message = messageOf(bench, 'GetPinStatus', { cardHandle });
    expect((await bench.call('GetPinStatus', message)).code).toBe(4101);
    expect(konnektor().model.mandants[0]?.smbs).not.toContain(card.iccsn);
  });
});

describe('4047 where GetPinStatus tells an invalid handle so (D27 has 4101)', () => {
  test('at GetPinStatus alone', async () => {
    bench.world.choices.pinStatusHandleCode = 4047;
    const message = (operation: BenchOperation) => messageOf(bench, operation, { cardHandle: 'unknown' });
    expect((await bench.call('GetPinStatus', message('GetPinStatus'))).code).toBe(4047);
    expect((await bench.call('VerifyPin', message('VerifyPin'))).code).toBe(4101);
  });
});

describe('HSM-B (KON-14)', () => {
  test.each(['VERIFIED', 'DISABLED', 4072, 4209] as const)('GetPinStatus %s; it signs all the same', async (state) => {
    bench.world.choices.hsmPinStatus = state;
    const hsm = add({ cardType: 'HSM-B', telematikId: '9-X' });
    expect(await ask('GetPinStatus', hsm)).toBe(state);
    expect(await ask('VerifyPin', hsm)).toBe(typeof state === 'number' ? state : 'OK');
    expect(await ask('ExternalAuthenticate', hsm)).toBe('OK');
    expect(await ask('ReadCardCertificate', hsm)).toBe('OK');
  });

  test('nobody types its PIN: ChangePin 4066; an unblocked PIN is not unblocked', async () => {
    bench.world.choices.hsmPinStatus = 'VERIFIED';
    const hsm = add({ cardType: 'HSM-B', telematikId: '9-X' });
    expect(await ask('ChangePin', hsm)).toBe(4066);
    expect(await ask('GetPinStatus', hsm, { pinTyp: 'PIN.CH' })).toBe(4072);
  });
});

describe('HBA', () => {
  test('needs a UserId (4003), for every operation with a card session', async () => {
    const hba = add({ cardType: 'HBA' });
    for (const operation of ['GetPinStatus', 'VerifyPin', 'ChangePin', 'UnblockPin'] as const) {
      expect(await ask(operation, hba, { pinTyp: 'PIN.CH' }), operation).toBe(4003);
      expect(await ask(operation, hba, { pinTyp: 'PIN.CH', userId: '' }), operation).toBe(4003);
    }
    expect(await ask('ExternalAuthenticate', hba)).toBe(4003);
  });

  test('is verified for one ClientSystem and user; meanwhile another’s is 4018', async () => {
    addClientSystem(konnektor());
    const hba = add({ cardType: 'HBA' });
    const erika = { pinTyp: 'PIN.CH', userId: 'erika' };
    expect(await ask('VerifyPin', hba, erika)).toBe('OK');
    expect(await ask('GetPinStatus', hba, erika)).toBe('VERIFIED');
    expect(await ask('GetPinStatus', hba, { ...erika, userId: 'max' })).toBe('VERIFIABLE');
    expect(await ask('GetPinStatus', hba, { ...erika, clientSystem: 'c2' })).toBe('VERIFIABLE');
    expect(await ask('VerifyPin', hba, { ...erika, userId: 'max' })).toBe(4018);
    expect(await ask('ExternalAuthenticate', hba, { userId: 'erika' })).toBe('OK');
    expect(await ask('ExternalAuthenticate', hba, { userId: 'max' })).toBe(4085);
  });

  test('PIN.QES is another PIN, and takes no new one with the PUK', async () => {
    const hba = add({ cardType: 'HBA' });
    const qes = { pinTyp: 'PIN.QES', userId: 'erika' };
    expect(await ask('VerifyPin', hba, { ...qes, pinTyp: 'PIN.CH' })).toBe('OK');
    expect(await ask('GetPinStatus', hba, qes)).toBe('VERIFIABLE');
    expect(await ask('UnblockPin', hba, qes)).toBe(4000);
    expect(await ask('GetPinStatus', hba, { ...qes, pinTyp: 'PIN.SMC' })).toBe(4072);
  });
});

describe('eGK and SMC-KT', () => {
  test('an eGK has PIN.CH, no MRPIN, no certificates here', async () => {
    const egk = add({ cardType: 'EGK' });
    expect(await ask('GetPinStatus', egk, { pinTyp: 'PIN.CH' })).toBe('VERIFIABLE');
    expect(await ask('VerifyPin', egk, { pinTyp: 'PIN.CH' })).toBe('OK');
    expect(await ask('GetPinStatus', egk, { pinTyp: 'MRPIN.AMTS' })).toBe(4072);
    expect(await ask('DisablePin', egk, { pinTyp: 'PIN.CH' })).toBe(4072);
    expect(await ask('ReadCardCertificate', egk)).toBe(4209);
    expect(await ask('ExternalAuthenticate', egk)).toBe(4209);
  });

  test('an SMC-KT has no PIN at all', async () => {
    const kt = add({ cardType: 'SMC-KT' });
    for (const operation of ['GetPinStatus', 'VerifyPin', 'ChangePin', 'UnblockPin'] as const)
      expect(await ask(operation, kt)).toBe(4209);
  });
});

describe('a card with RSA keys', () => {
  const data = randomBytes(100);
  const sign = async (card: SimCard, algorithm: string, scheme: string) => {
    const schemes = scheme === '' ? '' : `<SIG:SignatureSchemes>${scheme}</SIG:SignatureSchemes>`;
    const { soap, code } = await bench.call(
      'ExternalAuthenticate',
      `<CONN:CardHandle>${card.cardHandle}</CONN:CardHandle>${context()}<SIG:OptionalInputs>` +
        `<dss:SignatureType>urn:ietf:rfc:3447</dss:SignatureType>${schemes}</SIG:OptionalInputs><SIG:BinaryString>` +
        `<dss:Base64Data>${createHash(algorithm).update(data).digest('base64')}</dss:Base64Data></SIG:BinaryString>`,
    );
    return code ?? Buffer.from(findText(soap.body, 'Base64Signature') ?? '', 'base64');
  };
  const keyOf = (card: SimCard) => {
    const found = card.rsaCertificates.get('C.AUT')?.certificate.publicKey;
    if (found === undefined) throw new Error('no RSA key');
    return found;
  };

  test.each(['sha256', 'sha384', 'sha512'])(
    'signs a hash of %s as RFC 8017 says, in both schemes',
    async (algorithm) => {
      const card = add({ cardType: 'SMC-B', telematikId: '9-X', keys: 'RSA', pinStatus: 'VERIFIED' });
      const pkcs1 = await sign(card, algorithm, 'RSASSA-PKCS1-v1_5');
      const pss = await sign(card, algorithm, 'RSASSA-PSS');
      expect(verify(algorithm, data, keyOf(card), pkcs1 as Buffer)).toBe(true);
      const padded = {
        key: keyOf(card),
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      };
      expect(verify(algorithm, data, padded, pss as Buffer)).toBe(true);
      expect(verify(algorithm, randomBytes(9), padded, pss as Buffer)).toBe(false);
      expect(verify(algorithm, data, keyOf(card), (await sign(card, algorithm, '')) as Buffer)).toBe(true);
    },
  );

  test('RSA alone: nothing on elliptic curves; both: two kinds of certificate', async () => {
    addTerminal(konnektor(), { ctId: 'CT_2' });
    const rsa = add({ cardType: 'SMC-B', telematikId: '9-X', keys: 'RSA', pinStatus: 'VERIFIED' });
    const both = add({ cardType: 'SMC-B', telematikId: '9-Y', keys: 'both', pinStatus: 'VERIFIED' });
    const read = async (card: SimCard, crypt: string) => {
      const message = messageOf(bench, 'ReadCardCertificate', { cardHandle: card.cardHandle ?? '' });
      const { soap } = await bench.call('ReadCardCertificate', message.replace('>ECC<', `>${crypt}<`));
      const text = findText(soap.body, 'X509Certificate');
      return text === undefined ? undefined : readCertificate(Buffer.from(text, 'base64')).publicKey.asymmetricKeyType;
    };
    expect([await read(rsa, 'ECC'), await read(rsa, 'RSA')]).toEqual([undefined, 'rsa']);
    expect([await read(both, 'ECC'), await read(both, 'RSA')]).toEqual(['ec', 'rsa']);
    expect(await ask('ExternalAuthenticate', rsa)).toBe(4000);
    expect(await ask('ExternalAuthenticate', both)).toBe('OK');
    expect(await sign(add({ cardType: 'SMC-B', telematikId: '9-Z' }), 'sha256', 'RSASSA-PSS')).toBe(4000);
  });
});

describe('terminals', () => {
  test('a remote one shows no Workplace, and its cards’ PIN needs a pad elsewhere', async () => {
    addTerminal(konnektor(), { ctId: 'CT_FAR', place: 'remote' });
    const card = add({ cardType: 'SMC-B', telematikId: '9-X', ctId: 'CT_FAR' });
    const { soap } = await bench.call('GetCardTerminals', context());
    const far = find(soap.body, 'CardTerminals')?.children.find((t) => findText(t, 'CtId') === 'CT_FAR');
    expect(find(far, 'WorkplaceIds')?.children).toEqual([]);
    expect(await ask('VerifyPin', card)).toBe(4092);
    expect(await ask('GetPinStatus', card)).toBe('VERIFIABLE');
  });

  test('is taken away when no card is in it, and then nobody knows it', async () => {
    const terminal = addTerminal(konnektor(), { ctId: 'CT_2' });
    const card = add({ cardType: 'EGK', ctId: 'CT_2' });
    expect(() => removeTerminal(konnektor(), terminal)).toThrow(Refusal);
    removeCard(konnektor(), card);
    removeTerminal(konnektor(), terminal);
    expect((await bench.call('GetCards', `${context()}<CARDCMN:CtId>CT_2</CARDCMN:CtId>`)).code).toBe(4007);
    expect(konnektor().model.mandants.flatMap((m) => m.terminals)).toEqual(['CT_SIM_0001']);
  });
});
