// What the settings of documents demand beyond their form: there are tables of every version of the toolkit that a DiGA may use
// (D25), and the maker's address is one that a document can have. Part of gateway/config-rules.ts.
import { TABLES_FOLDER, toolkitVersions } from '../mio/tables.ts';
import type { Settings } from './tables/settings-manifest.ts';

type Fault = { key: string; message: string };

/** Every fault; never a value. */
export function documentFaults(s: Settings): Fault[] {
  const known = versionsIn(s.mioTables ?? TABLES_FOLDER);
  if (known === undefined) return [{ key: 'mioTables', message: 'holds no tables of the toolkit' }];
  return s.digas.flatMap(({ mioVersions, app }, i) => [
    ...mioVersions.flatMap((version, j) => {
      const key = `digas[${i}].mioVersions[${j}]`;
      if (!known.includes(version))
        return [
          { key, message: `is no version of the MIO DiGA Toolkit with tables here, which are ${known.join(', ')}` },
        ];
      const first = mioVersions.indexOf(version);
      return first === j ? [] : [{ key, message: `stands twice, first in digas[${i}].mioVersions[${first}]` }];
    }),
    ...addressFaults(`digas[${i}].app.manufacturer.address`, app?.manufacturer.address),
  ]);
}

function versionsIn(folder: string): string[] | undefined {
  try {
    const versions = toolkitVersions(folder);
    return versions.length === 0 ? undefined : versions;
  } catch {
    return undefined;
  }
}

type Address = NonNullable<Settings['digas'][number]['app']>['manufacturer']['address'];

function addressFaults(key: string, address: Address): Fault[] {
  if (address === undefined) return [];
  const { street, postBox, houseNumber, addition } = address;
  if ((street === undefined) === (postBox === undefined)) return [{ key, message: 'needs either street or postBox' }];
  if (postBox === undefined || (houseNumber ?? addition) === undefined) return [];
  return [{ key, message: 'has a post office box, so neither houseNumber nor addition' }];
}
