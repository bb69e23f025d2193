// The DiGA itself: Device_DIGA, DeviceDefinition_DIGA and Organization_Manufacturer, made of what the installation's
// configuration says about it (mio-diga.md sections 7 and 13). It is the author of every document.
import type { Device, DeviceDefinition, Organization } from '@medplum/fhirtypes';
import type { FhirObject } from '../model.ts';
import { APP, PROFILE } from './context.ts';
import type { BuildContext, Built } from './kind.ts';
import { type Address, addressOf } from './person.ts';
import type { WrittenResource } from './written.ts';

export const APP_PROFILE = `${PROFILE}Device_DIGA`;
const DEFINITION = `${PROFILE}DeviceDefinition_DIGA`;
const MANUFACTURER = `${PROFILE}Organization_Manufacturer`;

export type DigaApp = {
  /** BfArM's id of the Verordnungseinheit. */
  veId: string;
  pzn: string;
  name: string;
  /** Of its parts: `{name: 'Softwareversion', value: '3.2'}`. */
  versions?: readonly { name: string; value: string }[];
  manufacturer: { name: string; url: string; address?: Address };
};

export function appOf(app: DigaApp, context: BuildContext): Built[] {
  const [kind, id] = APP;
  const device: WrittenResource<Device> = {
    ...context.resource(APP_PROFILE, kind, id),
    // mio-diga.md section 3: the one identifier that is not a UUID.
    identifier: [{ type: { text: 'DiGA-VE-ID' }, value: app.veId }],
    definition: context.reference('diga.definition', id),
    deviceName: [{ name: app.name, type: 'user-friendly-name' }],
    type: { coding: [{ ...(context.fixed(APP_PROFILE, 'type.coding:pznCode') as FhirObject), code: app.pzn }] },
    version: app.versions?.map(({ name, value }) => ({ type: { text: name }, value })),
  };
  const definition: WrittenResource<DeviceDefinition> = {
    ...context.resource(DEFINITION, 'diga.definition', id),
    manufacturerReference: context.reference('diga.manufacturer', id),
    type: context.fixed(DEFINITION, 'type') as FhirObject,
  };
  const { name, url, address } = app.manufacturer;
  const manufacturer: WrittenResource<Organization> = {
    ...context.resource(MANUFACTURER, 'diga.manufacturer', id),
    name,
    telecom: [{ system: 'url', value: url }],
    address: address && [addressOf(address)],
  };
  return [
    { resource: device, profile: APP_PROFILE },
    { resource: definition, profile: DEFINITION },
    { resource: manufacturer, profile: MANUFACTURER },
  ];
}
