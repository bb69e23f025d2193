// What tests of key rotation ask of a house: a rotation on it, a second gateway's vault, and which keys wrap what.
import type { CheckpointName } from '../../gateway/exports/checkpoints.ts';
import { readContent } from '../../gateway/exports/content.ts';
import { createKeyRotation } from '../../gateway/exports/key-rotation.ts';
import { wrappedKeys } from '../../gateway/exports/key-store.ts';
import { silentLogger } from '../../gateway/log.ts';
import { openVault, type Vault } from '../../gateway/vault/keys.ts';
import type { TestHouse } from './gateway-fakes.ts';

/** Every DiGA of the house, by an operator. */
export const BOTH = { digas: ['demo', 'second'], by: 'op' };

type Checkpoint = (name: CheckpointName) => void | Promise<void>;

/** `house`: asked at each call, for every test has its own. */
export function keyRotationBench(house: () => TestHouse) {
  return {
    rotationOf: (vault: Vault, checkpoint?: Checkpoint) =>
      createKeyRotation({ db: house().db, vault, now: house().clock.now, log: silentLogger, checkpoint }),
    anotherVault: () => {
      const { masterKey, db, clock } = house();
      return openVault({ masterKey, keys: wrappedKeys(db, clock), digas: BOTH.digas });
    },
    keyNames: async () =>
      (await house().db.selectFrom('keys').select('name').orderBy('name').execute()).map((row) => row.name),
    underOf: async () =>
      [
        ...(await house().db.selectFrom('exports').select('wrapped_under').execute()),
        ...(await house().db.selectFrom('insured').select('wrapped_under').execute()),
      ].map((row) => row.wrapped_under),
    contentOf: async (vault: Vault, id: string) =>
      Buffer.from((await readContent({ db: house().db, vault }, { id, diga: undefined })).content),
  };
}
