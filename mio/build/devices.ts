// Devices that measure: Device, the DeviceDefinition it must name, and the maker. In no section, reached from entries.
import type { Device, DeviceDefinition, Organization } from '@medplum/fhirtypes';
import { z } from 'zod';
import type { FhirObject } from '../model.ts';
import { PROFILE } from './context.ts';
import { because, day, oneOf, text } from './inputs.ts';
import { type BuildContext, type Built, defineKind } from './kind.ts';
import type { WrittenResource } from './written.ts';

const DEVICE = `${PROFILE}Device`;
const DEFINITION = `${PROFILE}DeviceDefinition`;
const MANUFACTURER = `${PROFILE}Organization_Manufacturer`;
const TYPES = 'KBV_VS_Base_Device_SNOMED_CT';
/** The list of types has no code for a device of any kind (docs/surprises.md). */
const ANY_DEVICE = 'Gerät';

const word = text(500);
const webAddress = z
  .string()
  .max(500)
  .regex(/^https?:\/\/[\x21-\x7e]+$/, because('URL_INVALID', 'must be an http or https URL'))
  .meta({ format: 'url' });

export const device = defineKind({
  kind: 'device',
  profile: DEVICE,
  section: undefined,
  members: (lists) => ({
    name: word.optional().describe('what the insured calls it'),
    /** SNOMED CT; the display is the caller's, as the list of 13,190 has none. */
    type: z
      .strictObject({ code: oneOf(lists, TYPES), display: word.describe('its name') })
      .optional()
      .describe('SNOMED CT; the display is yours'),
    manufacturer: z
      .strictObject({ name: word.describe('firm'), url: webAddress.optional().describe('its website') })
      .optional()
      .describe('who made it'),
    modelNumber: word.optional().describe('of its maker'),
    serialNumber: word.optional().describe('of this one'),
    lotNumber: word.optional().describe('of its batch'),
    udi: word.optional().describe('Unique Device Identifier'),
    status: oneOf(lists, 'device-status').optional().describe('whether it is in use'),
    manufactureDate: day.optional().describe('when it was made'),
    expirationDate: day.optional().describe('until when it may be used'),
  }),
  times: () => ({}),
  build: (entry, context) => deviceOf(entry, context),
  example: {
    kind: 'device',
    id: 'cuff-1',
    name: 'Blutdruckmessgerät Oberarm',
    type: { code: '43770009', display: 'Sphygmomanometer, device (physical object)' },
    manufacturer: { name: 'Muster Medizintechnik GmbH', url: 'https://medizintechnik.example' },
    serialNumber: 'SN-2025-0001',
  },
});

type DeviceInput = {
  id: string;
  name?: string | undefined;
  type?: { code: string; display: string } | undefined;
  manufacturer?: { name: string; url?: string | undefined } | undefined;
  modelNumber?: string | undefined;
  serialNumber?: string | undefined;
  lotNumber?: string | undefined;
  udi?: string | undefined;
  status?: string | undefined;
  manufactureDate?: string | undefined;
  expirationDate?: string | undefined;
};

/** For an entry, or for a device that entries name and none declares. */
export function deviceOf(entry: DeviceInput, context: BuildContext): Built[] {
  const { id, name, type, manufacturer } = entry;
  const definition: WrittenResource<DeviceDefinition> = {
    ...context.resource(DEFINITION, 'device.definition', id),
    manufacturerReference: manufacturer && context.reference('device.manufacturer', id),
    type: context.fixed(DEFINITION, 'type') as FhirObject,
  };
  const own: WrittenResource<Device> = {
    ...context.resource(DEVICE, 'device', id),
    definition: context.reference('device.definition', id),
    udiCarrier: entry.udi === undefined ? undefined : [{ carrierHRF: entry.udi }],
    status: entry.status,
    manufactureDate: entry.manufactureDate,
    expirationDate: entry.expirationDate,
    lotNumber: entry.lotNumber,
    serialNumber: entry.serialNumber,
    deviceName: name === undefined ? undefined : [{ name, type: 'user-friendly-name' }],
    modelNumber: entry.modelNumber,
    type:
      type === undefined ? { text: name ?? ANY_DEVICE } : { coding: [context.listed(TYPES, type.code, type.display)] },
    patient: context.subject,
  };
  const built: Built[] = [
    { resource: own, profile: DEVICE },
    { resource: definition, profile: DEFINITION },
  ];
  if (manufacturer !== undefined) built.push({ resource: makerOf(id, manufacturer, context), profile: MANUFACTURER });
  return built;
}

function makerOf(
  id: string,
  { name, url }: { name: string; url?: string | undefined },
  context: BuildContext,
): WrittenResource<Organization> {
  return {
    ...context.resource(MANUFACTURER, 'device.manufacturer', id),
    name,
    telecom: url === undefined ? undefined : [{ system: 'url', value: url }],
  };
}
