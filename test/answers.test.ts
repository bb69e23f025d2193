// Every answer of a record system understood (issue 6): each row of test/tables/answers.ts in a running world, and the tables
// against what the reference names, so that no place and no answer is without a row.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VAU_ERRORS } from '../connector-sim/vau/vau-errors.ts';
import { AnswerBench, type Place } from './support/answer-table.ts';
import {
  LOGIN,
  LOGIN_ANSWERS,
  LOGIN_PLACES,
  OUTER,
  OUTER_ANSWERS,
  OUTER_PLACES,
  STATUS,
  STATUS_ANSWERS,
} from './tables/answers.ts';

let bench: AnswerBench;
beforeAll(async () => {
  bench = await AnswerBench.start(40_000);
});
afterAll(() => bench.stop());

const keys = <Key extends string>(of: Readonly<Record<Key, unknown>>): Key[] => Object.keys(of) as Key[];

/** The document's is the sixth frame of an export that signs on: VAU-Status, three of the login, VAU-Status again. */
const FRAMES: Record<(typeof OUTER_PLACES)[number], Place> = {
  M1: { at: 'vau.handshake' },
  M3: { at: 'vau.m3' },
  data: { at: 'vau.data' },
  'data of ITI-41': { at: 'vau.data', after: 5, times: 1 },
};

describe.each(OUTER_PLACES.map((place, index) => ({ place, index })))(
  'outside the frame, at $place',
  ({ place, index }) => {
    test.each(keys(OUTER))('%s', async (name) => {
      await bench.play({ ...FRAMES[place], answer: OUTER_ANSWERS[name], means: OUTER[name][index] ?? null });
    });
  },
);

describe('getRecordStatus', () => {
  test.each(keys(STATUS))('%s', async (name) => {
    await bench.play({ at: 'information.ehr', answer: STATUS_ANSWERS[name], means: STATUS[name] });
  });
});

describe.each(LOGIN_PLACES.map((place, index) => ({ place, index })))(
  'inside the frame, at $place',
  ({ place, index }) => {
    const at = place === 'VAU-Status' ? 'vau.status' : `authz.${place}`;
    test.each(keys(LOGIN))('%s', async (name) => {
      await bench.play({ at, answer: LOGIN_ANSWERS[name], means: LOGIN[name][index] ?? null });
    });
  },
);

describe('nothing is left out', () => {
  test('every error of the VAU (A_24635) has a row', () => {
    expect(VAU_ERRORS.map((_error, code) => `VAU ${code}`).filter((name) => !(name in OUTER))).toEqual([]);
  });

  test('the rows are counted', () => {
    const rows =
      OUTER_PLACES.length * keys(OUTER).length + keys(STATUS).length + LOGIN_PLACES.length * keys(LOGIN).length;
    process.stdout.write(`answers: ${rows} rows of place × answer outside ITI-41\n`);
    expect(rows).toBeGreaterThan(200);
  });
});
