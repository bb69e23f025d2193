// The life of sessions as it is learnt (D12): from ends that say "not signed on", and never so that it costs a storm of logins.
import { describe, expect, it } from 'vitest';
import { SessionLife } from '../../../../gateway/record-system/session-life.ts';

const S = 1000;
const MAX = 1080 * S;
const ended = (life: SessionLife, aliveS: number, endS: number) =>
  life.ended({ openedAt: 0, aliveAt: aliveS * S, now: endS * S });

describe('the life of sessions', () => {
  it('is the configured age until one has ended', () => {
    expect([new SessionLife(MAX).seenMs, new SessionLife(MAX).renewAtMs(0)]).toEqual([undefined, 0.9 * MAX]);
  });

  it('is the age of the last good answer where the end came soon after', () => {
    const life = new SessionLife(MAX);
    ended(life, 59, 60);
    expect([life.seenMs, life.renewAtMs(0)]).toEqual([59 * S, 54 * S]);
  });

  it('leaves room for two logins', () => {
    const life = new SessionLife(MAX);
    ended(life, 60, 60);
    expect([life.renewAtMs(2 * S), life.renewAtMs(4 * S), life.renewAtMs(60 * S)]).toEqual([55 * S, 52 * S, 30 * S]);
  });

  it.each([
    ['idle for an hour', 100, 3700, 3700],
    ['idle for 21 percent', 790, 1000, 1000],
    ['idle for 20 percent', 800, 1000, 800],
    ['idle for 30 s', 40, 70, 40],
    ['idle for 31 s', 39, 70, 70],
  ])('%s before its end was seen: alive at %i, ended by %i, life %i s', (_title, alive, end, seen) => {
    const life = new SessionLife(100_000 * S);
    ended(life, alive, end);
    expect(life.seenMs).toBe(seen * S);
  });

  it('is not stretched by an end seen late', () => {
    const life = new SessionLife(MAX);
    ended(life, 60, 60);
    ended(life, 10, 900);
    expect(life.seenMs).toBe(60 * S);
  });

  it.each([0, 1, 19.999])('of %s s is an accident and teaches nothing', (seconds) => {
    const life = new SessionLife(MAX);
    ended(life, seconds, seconds);
    expect(life.seenMs).toBeUndefined();
  });

  it('never becomes longer than the configured age', () => {
    const life = new SessionLife(60 * S);
    ended(life, 300, 300);
    expect(life.renewAtMs(0)).toBe(54 * S);
  });

  it('grows by a quarter with each session renewed in good health, until it is forgotten', () => {
    const life = new SessionLife(100 * S);
    life.outlived();
    expect(life.seenMs).toBeUndefined();
    ended(life, 60, 60);
    life.outlived();
    expect(life.seenMs).toBe(75 * S);
    life.outlived();
    expect(life.seenMs).toBe(93.75 * S);
    life.outlived();
    expect([life.seenMs, life.renewAtMs(0)]).toEqual([undefined, 90 * S]);
  });

  it('shrinks again with the next end', () => {
    const life = new SessionLife(MAX);
    ended(life, 60, 60);
    life.outlived();
    ended(life, 61, 61);
    expect(life.seenMs).toBe(61 * S);
  });
});
