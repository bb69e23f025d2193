// Which faults are taken and when they strike (api.md section 4).
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { paramsOf } from '../../../connector-sim/fault-params.ts';
import { Faults } from '../../../connector-sim/faults.ts';
import { Refusal } from '../../../connector-sim/refusal.ts';
import { FAULT_MATCHES, FAULT_POINTS } from '../../../connector-sim/tables/fault-points.ts';

const make = (random = () => 0) => new Faults({ random });
const strikes = (faults: Faults, times: number, at = 'xds.iti41', context = {}) =>
  Array.from({ length: times }, () => faults.take(at, context)?.kind ?? '-');

describe('refused', () => {
  test.each<[string, unknown, string[]]>([
    ['an unknown place', { at: 'xds.iti18', kind: 'reset' }, ['/at']],
    ['an unknown kind', { at: 'xds.iti41', kind: 'explode' }, ['/kind']],
    ['a kind this place does not play', { at: 'ocsp', kind: 'soap-fault' }, ['/kind']],
    ['place and kind at once', { at: 'nowhere', kind: 'explode' }, ['/at', '/kind']],
    ['a missing kind and an unknown member', { at: 'ocsp', once: true }, ['/kind', '/once']],
    [
      'place, kind, number and member at once',
      { at: 'x', kind: 'y', times: 0, z: 1 },
      ['/at', '/kind', '/times', '/z'],
    ],
    ['a kind of another place and an unknown member', { at: 'ocsp', kind: 'soap-fault', z: 1 }, ['/kind', '/z']],
    [
      'a match this place cannot know',
      { at: 'idp.auth', kind: 'reset', match: { kvnr: 'X110411675', iccsn: '1' } },
      ['/match/iccsn', '/match/kvnr'],
    ],
    [
      'a record system nobody has',
      { at: 'vau.data', kind: 'reset', match: { recordSystem: 'epa-as-3' } },
      ['/match/recordSystem'],
    ],
    ['zero times', { at: 'ocsp', kind: 'reset', times: 0 }, ['/times']],
    ['half a time', { at: 'ocsp', kind: 'reset', times: 1.5 }, ['/times']],
    ['a negative after', { at: 'ocsp', kind: 'reset', after: -1 }, ['/after']],
    ['a probability over 1', { at: 'ocsp', kind: 'reset', probability: 1.1 }, ['/probability']],
    ['an unknown match', { at: 'ocsp', kind: 'reset', match: { ctId: 'x' } }, ['/match/ctId']],
    ['a list', [], ['']],
    [
      'a code that is none',
      { at: 'konnektor.GetCards', kind: 'soap-fault', params: { code: 'abc' } },
      ['/params/code'],
    ],
    ['half a code', { at: 'konnektor.GetCards', kind: 'soap-fault', params: { code: 4001.5 } }, ['/params/code']],
    [
      'a status no answer has',
      { at: 'konnektor.GetCards', kind: 'soap-fault', params: { status: 99 } },
      ['/params/status'],
    ],
    ['a status in words', { at: 'ocsp', kind: 'http-status', params: { status: 'x' } }, ['/params/status']],
    ['an answer that ends nothing', { at: 'ocsp', kind: 'http-status', params: { status: 100 } }, ['/params/status']],
    [
      'a header that breaks the message',
      { at: 'ocsp', kind: 'http-status', params: { type: 'a\r\nb' } },
      ['/params/type'],
    ],
    ['a misspelt member', { at: 'konnektor.GetCards', kind: 'soap-fault', params: { kode: 4085 } }, ['/params/kode']],
    ['a delay in words', { at: 'ocsp', kind: 'delay', params: { ms: 'soon' } }, ['/params/ms']],
    ['a member of another kind', { at: 'ocsp', kind: 'delay', params: { inBody: true } }, ['/params/inBody']],
    ['a member where there is none', { at: 'ocsp', kind: 'reset', params: { ms: 1 } }, ['/params/ms']],
    [
      'another thing wrong with a frame',
      { at: 'vau.data', kind: 'wrong-frame', params: { what: 'x' } },
      ['/params/what'],
    ],
    ['a VAU error nobody knows', { at: 'vau.data', kind: 'cbor-error', params: { code: 11 } }, ['/params/code']],
    [
      'a further break nobody knows',
      { at: 'vau.handshake', kind: 'revoked', params: { also: [{ kind: 'wrong-key', what: 'x' }] } },
      ['/params/also/0'],
    ],
    [
      'params, match and times at once',
      {
        at: 'konnektor.GetPinStatus',
        kind: 'soap-fault',
        times: 0,
        match: { iccsn: '123' },
        params: { code: -1, x: 1 },
      },
      ['/match/iccsn', '/params/code', '/params/x', '/times'],
    ],
    [
      'a Konnektor nobody has',
      { at: 'konnektor.tls', kind: 'reset', match: { konnektor: 'zz' } },
      ['/match/konnektor'],
    ],
    ['a number no card has', { at: 'ocsp', kind: 'reset', match: { iccsn: '123' } }, ['/match/iccsn']],
    ['a KVNR nobody has', { at: 'xds.iti41', kind: 'reset', match: { kvnr: 'X110411676' } }, ['/match/kvnr']],
  ])('%s', (_what, given, pointers) => {
    const faults = new Faults({ random: () => 0, konnektors: () => ['k1'] });
    let findings: string[] = [];
    try {
      faults.add(given);
    } catch (error) {
      if (error instanceof Refusal) findings = error.findings.map((f) => f.pointer);
    }
    expect(findings.sort()).toEqual(pointers.sort());
    expect(faults.list()).toEqual([]);
  });
});

describe('taken', () => {
  test('without times it strikes until removed', () => {
    const faults = make();
    const { id } = faults.add({ at: 'xds.iti41', kind: 'reset' });
    expect(strikes(faults, 3)).toEqual(['reset', 'reset', 'reset']);
    expect([faults.clear(id), faults.clear(id)]).toEqual([true, false]);
    expect(strikes(faults, 1)).toEqual(['-']);
  });

  test('times counts strikes, after lets exchanges pass first', () => {
    const faults = make();
    faults.add({ at: 'xds.iti41', kind: 'reset', times: 2, after: 1 });
    expect(strikes(faults, 4)).toEqual(['-', 'reset', 'reset', '-']);
    expect(faults.list()).toEqual([]);
  });

  test('two faults at one place follow each other', () => {
    const faults = make();
    faults.add({ at: 'xds.iti41', kind: 'reset', times: 1 });
    faults.add({ at: 'xds.iti41', kind: 'truncate', times: 1 });
    expect(strikes(faults, 3)).toEqual(['reset', 'truncate', '-']);
  });

  test('match narrows, and what the exchange does not know does not match', () => {
    const faults = make();
    faults.add({ at: 'xds.iti41', kind: 'reset', match: { recordSystem: 'epa-as-2' } });
    expect(strikes(faults, 1, 'xds.iti41', { recordSystem: 'epa-as-1' })).toEqual(['-']);
    expect(strikes(faults, 1)).toEqual(['-']);
    expect(strikes(faults, 1, 'xds.iti41', { recordSystem: 'epa-as-2' })).toEqual(['reset']);
  });

  test('struckAt counts by record system, and a copy of it is given', () => {
    const faults = make();
    const added = faults.add({ at: 'vau.data', kind: 'drop-channel', after: 1 });
    for (const recordSystem of ['epa-as-1', 'epa-as-2', 'epa-as-1']) faults.take('vau.data', { recordSystem });
    expect(added.struckAt).toEqual({});
    expect(faults.list()).toMatchObject([{ seen: 3, struck: 2, struckAt: { 'epa-as-1': 1, 'epa-as-2': 1 } }]);
  });

  test('probability follows the given randomness', () => {
    const draws = [0.2, 0.9, 0.49];
    const faults = make(() => draws.shift() ?? 0);
    faults.add({ at: 'xds.iti41', kind: 'reset', probability: 0.5 });
    expect(strikes(faults, 3)).toEqual(['reset', '-', 'reset']);
  });
});

test('every place takes each of its kinds', () => {
  for (const [at, kinds] of Object.entries(FAULT_POINTS)) {
    for (const kind of kinds) expect(make().add({ at, kind })).toMatchObject({ at, kind });
  }
});

test('every place takes each narrowing it knows, and refuses the others', () => {
  const values = { recordSystem: 'epa-as-1', kvnr: 'X110411675', iccsn: '80276883110000145356' };
  for (const [at, [kind = '']] of Object.entries(FAULT_POINTS)) {
    for (const [member, value] of Object.entries(values)) {
      const add = () => make().add({ at, kind, match: { [member]: value } });
      if ((FAULT_MATCHES[at] ?? []).includes(member)) expect(add()).toMatchObject({ match: { [member]: value } });
      else expect(add, `${at} ${member}`).toThrow(Refusal);
    }
  }
});

test('docs/faults.md names every member of params, and every value where there are few', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/faults.md'), 'utf8');
  const named = Object.entries(FAULT_POINTS).flatMap(([at, kinds]) =>
    kinds.flatMap((kind) => {
      const { shape } = paramsOf(at, kind);
      return Object.entries(shape).flatMap(([member, schema]) => {
        const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
        return [member, ...(inner instanceof z.ZodEnum && member !== 'when' ? inner.options : [])].map(String);
      });
    }),
  );
  expect([...new Set(named)].filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test('docs/faults.md names every place and every kind', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/faults.md'), 'utf8');
  const named = [...Object.keys(FAULT_POINTS), ...Object.values(FAULT_POINTS).flat()];
  expect(named.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});
