// One export from claim to receipt (style.md B7, docs/journey.md): the only place that knows the order of the steps.
// Guards, then locate → channel (card and login only where one is missing) → sent → ITI-41 → verdict → settled.
import { asGatewayError, catalogue, type ErrorCode, GatewayError } from '../errors.ts';
import { stackOf } from '../log.ts';
import type { DigaSettings } from '../tables/settings-manifest.ts';
import { type Claim, isClaimLost, markRefused } from './claims.ts';
import { readKvnr } from './key-store.ts';
import type { OpenSession, WriteOutcome } from './ports.ts';
import { putBack } from './recovery.ts';
import { isRevoked } from './revocation.ts';
import { nextVersion } from './rplc.ts';
import { OPEN, type SeriesRow } from './schema.ts';
import { send } from './send.ts';
import { judgeAnswer } from './series.ts';
import { type Ending, type Settled, settle } from './settle.ts';
import { tooLarge } from './size-limits.ts';
import { readSeries } from './store.ts';
import { type House, step, type Trip } from './trip.ts';

/** Said by the record system of the record: it is not there, so it is looked for anew (EXP-22). */
const NOT_THERE: readonly ErrorCode[] = ['RECORD_NOT_FOUND', 'RECORD_SUSPENDED'];

/** Some record system could not be asked where the record is: it may have come back before the next try is due. */
const NOT_NOW: readonly ErrorCode[] = ['RECORD_SYSTEM_UNREACHABLE', 'RECORD_BUSY', 'RECORD_SYSTEM_TLS_UNTRUSTED'];

/** Runs one claimed export to the end of this try and makes that end durable. Throws only when the claim or the store is lost. */
export async function runJourney<S extends OpenSession>(claim: Claim, house: House<S>): Promise<Settled> {
  const trip: Trip = {
    person: '',
    steps: [],
    sent: false,
    left: false,
    repeated: false,
    rebuilt: false,
    relocated: false,
    freshAfter: undefined,
  };
  let ending: Ending;
  try {
    ending = await travel(claim, house, trip);
  } catch (thrown) {
    if (isClaimLost(thrown)) throw thrown;
    if (isWithoutPlace(thrown)) return await comeBack(claim, house);
    ending = endingOf(asGatewayError(thrown), trip, claim, house);
  }
  const settled = await settle(house.db, claim, ending, {
    now: house.now(),
    random: house.random,
    retrySeconds: house.retrySeconds,
    failedContentDays: house.failedContentDays,
    steps: trip.steps,
    bytesLeft: trip.left,
    checkpoint: house.checkpoint,
  });
  if (settled.status === 'written') house.health.settled(claim.row.id);
  if (!OPEN.includes(settled.status)) house.ended(claim.row.id);
  house.metrics.exportEntered(settled.status, settled.code);
  house.log.info('export settled', {
    export: claim.row.id,
    diga: claim.row.diga,
    person: trip.person,
    step: settled.status,
    attempt: claim.row.attempts,
    code: settled.code ?? undefined,
    ms: house.now() - claim.row.created_at,
  });
  return settled;
}

async function travel<S extends OpenSession>(claim: Claim, house: House<S>, trip: Trip): Promise<Ending> {
  const { row, document } = claim;
  const unanswered = row.unanswered > 0;
  const head = await readSeries(house.db, row, document.part);
  const hindered = (await revoked(claim, house)) ?? guard(claim, head, house);
  if (hindered !== undefined) return hindered;
  const diga = house.digas.get(row.diga);
  if (diga === undefined) throw new GatewayError('CONFIG_INVALID', 'the DiGA of this export is no longer configured');
  // Where the KVNR is opened and the only two uses it has: locating the record and addressing the write (EXP-21).
  const kvnr = await readKvnr(house.db, house.vault, row);
  trip.person = house.vault.pseudonym(row.diga, kvnr);

  for (;;) {
    // An own repeat goes where the first try went until that place says that the record is gone: else it may stand twice.
    const stay = unanswered && !trip.relocated ? (document.record_system ?? undefined) : undefined;
    const before = house.health.recoveries();
    const recordSystem = await step(house, claim, trip, 'located', () =>
      house.outer.locator.locate(kvnr, row.lookup_key, stay),
    ).catch((thrown: unknown) => {
      if (NOT_NOW.includes(asGatewayError(thrown).code)) {
        house.health.notLocated(row.id);
        tooLate(claim, house, before);
      }
      throw thrown;
    });
    const session = await openSession(claim, house, trip, diga, recordSystem);
    const next = nextVersion({ head, document, unanswered });
    let outcome: WriteOutcome;
    try {
      // EXP-26: the card of the channel is the card of this DiGA, whatever the pool hands out.
      if (session.telematikId !== diga.telematikId)
        throw new GatewayError('SMCB_WRONG_ROLE', 'the channel belongs to another Telematik-ID');
      outcome = await send(claim, house, trip, { session, kvnr, diga, ...next });
    } catch (thrown) {
      const { code } = asGatewayError(thrown);
      if (NOT_THERE.includes(code)) house.outer.locator.forget(row.lookup_key);
      if (code === 'RECORD_NOT_FOUND' && !trip.relocated) {
        // EXP-22: the record may have moved since it was located; asked once more before that is believed.
        trip.relocated = true;
        trip.sent = false;
        continue;
      }
      if (code !== 'SESSION_LOST' || trip.rebuilt) throw thrown;
      // SES-02: a session that the server dropped is rebuilt once without failing the export.
      trip.rebuilt = true;
      trip.sent = false;
      trip.freshAfter = session.openedAt;
      continue;
    } finally {
      session.release();
    }
    const verdict = judgeAnswer({
      outcome,
      unanswered,
      replaces: next.replaces,
      doubtful: head?.doubtful === 1,
      onTargetGone: row.on_target_gone,
    });
    switch (verdict.kind) {
      case 'written':
        return {
          kind: 'written',
          recordSystem: session.recordSystem,
          ...(outcome.kind !== 'stored' && document.rebased === 1 && { replaced: true }),
        };
      case 'create-new':
        // The insured deleted the target and the backend asked for a new document: same bytes, same ids, no RPLC (D2).
        await refused(claim, house, trip, 'TARGET_GONE', true);
        document.without_target = 1;
        continue;
      case 'not-entitled':
      case 'other-card': {
        const code = verdict.kind === 'not-entitled' ? 'RECORD_NOT_ENTITLED' : 'SMCB_WRONG_ROLE';
        // A record that moved may answer like this at its old place (EXP-22).
        house.outer.locator.forget(row.lookup_key);
        const freshAfter = trip.repeated ? null : mayRenew(claim, house, session);
        if (freshAfter === null) return { kind: 'ends', code, definite: true, foreign: verdict.foreign };
        await refused(claim, house, trip, code, false);
        trip.repeated = true;
        trip.freshAfter = freshAfter;
        continue;
      }
      case 'ends':
        return verdict;
    }
  }
}

const NO_PLACE = 'record-system.no-place';
/** In case nobody wakes it. */
const WITHOUT_PLACE_MS = 5_000;

const isWithoutPlace = (thrown: unknown): boolean => thrown instanceof GatewayError && thrown.check === NO_PLACE;

/** No try and no step: its record system takes no more exports now, and the worker's places are for those of the others. */
async function comeBack<S extends OpenSession>(claim: Claim, house: House<S>): Promise<Settled> {
  const again = house.now() + WITHOUT_PLACE_MS;
  await putBack(house.db, claim, house.now(), again);
  return { status: claim.row.unanswered > 0 ? 'unclear' : 'queued', code: null, nextAttemptAt: again };
}

/** EXP-16: asked before anybody outside is, and once more by markSent, which is the fence. */
async function revoked<S extends OpenSession>({ row }: Claim, house: House<S>): Promise<Ending | undefined> {
  if (row.unanswered > 0 || !(await isRevoked(house.db, row))) return undefined;
  return { kind: 'ends', code: 'REVOKED', definite: true };
}

/** What ends a try before anything is asked of anyone. An unanswered write is always finished first. */
function guard(
  claim: Claim,
  head: SeriesRow | undefined,
  { now, limits }: Pick<House<OpenSession>, 'now' | 'limits'>,
): Ending | undefined {
  const { row, document } = claim;
  if (row.unanswered > 0) return undefined;
  if (now() >= row.deadline_at) return { kind: 'ends', code: row.deadline_code, definite: true };
  if (head?.frozen === 1) return { kind: 'ends', code: 'TARGET_STALE', definite: true };
  // EXP-18: the record holds exactly this content already.
  if (head !== undefined && head.sha256 === document.sha256)
    return { kind: 'unchanged', export: head.export_id, held: head };
  return tooLarge(document.bytes, limits);
}

async function openSession<S extends OpenSession>(
  claim: Claim,
  house: House<S>,
  trip: Trip,
  diga: DigaSettings,
  recordSystem: string,
): Promise<S> {
  const place = { diga: diga.id, recordSystem };
  const before = house.health.recoveries();
  try {
    const session = await step(house, claim, trip, 'session', () =>
      house.outer.sessions.acquire({
        recordSystem,
        diga: { id: diga.id, telematikId: diga.telematikId },
        signer: () => house.outer.cards.signerFor(diga),
        bytes: claim.document.bytes,
        anew: claim.row.retry_requested === 1,
        ...(trip.freshAfter !== undefined && { freshAfter: trip.freshAfter }),
      }),
    );
    house.health.goesOn(claim.row.id);
    const waiting = house.health.works(place).filter((id) => id !== claim.row.id);
    if (waiting.length > 0) house.onChannel(waiting);
    return session;
  } catch (thrown) {
    if (isWithoutPlace(thrown)) house.health.noPlace(recordSystem, claim.row.id);
    else {
      house.health.fails(place, asGatewayError(thrown).code, claim.row.id);
      tooLate(claim, house, before);
    }
    throw thrown;
  }
}

/** Met an error of before a recovery that it was not woken by: nothing would come that wakes it. */
function tooLate<S extends OpenSession>(claim: Claim, house: House<S>, recoveriesBefore: number): void {
  if (house.health.recoveries() !== recoveriesBefore) house.onChannel([claim.row.id]);
}

/** A definite refusal after which this journey goes on. */
async function refused<S extends OpenSession>(
  claim: Claim,
  house: House<S>,
  trip: Trip,
  code: ErrorCode,
  withoutTarget: boolean,
): Promise<void> {
  // An earlier unanswered try keeps the export in doubt, whatever this one met (D3).
  await markRefused(house.db, claim, { at: house.now(), code, withoutTarget }, house.checkpoint);
  trip.sent = false;
}

const mayRenew = <S extends OpenSession>(claim: Claim, house: House<S>, session: S) =>
  house.renewals.allow({
    recordSystem: session.recordSystem,
    telematikId: session.telematikId,
    openedAt: session.openedAt,
    byRetry: claim.row.retry_requested === 1,
    now: house.now(),
  });

/** An error as the end of this try: definite unless bytes had left and its kind does not say that nothing was written. */
function endingOf<S extends OpenSession>(error: GatewayError, trip: Trip, claim: Claim, house: House<S>): Ending {
  const kind = catalogue[error.code].kind;
  const inDoubt = trip.sent && (kind === 'unclear' || kind === 'bug');
  house.log.warn('export hindered', {
    export: claim.row.id,
    code: error.code,
    check: error.check,
    ...(kind === 'bug' && { stack: stackOf(error.cause ?? error) }),
  });
  return {
    kind: 'ends',
    code: inDoubt ? 'WRITE_UNANSWERED' : error.code,
    definite: !inDoubt,
    ...(error.foreign !== undefined && { foreign: error.foreign }),
    ...(error.check !== undefined && { check: error.check }),
    ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
  };
}
