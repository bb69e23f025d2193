// CARD:Card and CTI:CardTerminal as EventService and its readers show them (CardService.xsd CardInfoType,
// CardTerminalInfo.xsd 8.1.0), and the PI:ProductInformation they and the service directory share.
import { type Markup, xml } from '../../wire/xml.ts';
import { isUp } from './cards.ts';
import type { SimCard, SimTerminal } from './model.ts';

const version = (name: string, major: number, minor: number, revision: number) =>
  xml(
    `CARD:${name}`,
    {},
    xml('CARD:Major', {}, String(major)),
    xml('CARD:Minor', {}, String(minor)),
    xml('CARD:Revision', {}, String(revision)),
  );

/** A card that has a handle; the caller declares CONN, CARD, CARDCMN. */
export function cardMarkup(card: SimCard): Markup {
  const expires = (card.certificates.get('C.AUT') ?? card.rsaCertificates.get('C.AUT'))?.certificate.notAfter;
  return xml(
    'CARD:Card',
    {},
    xml('CONN:CardHandle', {}, card.cardHandle ?? ''),
    xml('CARDCMN:CardType', {}, card.cardType),
    // a key in an HSM has no card's versions
    card.cardType === 'HSM-B'
      ? undefined
      : xml(
          'CARD:CardVersion',
          {},
          version('COSVersion', 4, 5, 0),
          version('ObjectSystemVersion', 4, 8, 0),
          version('ATRVersion', 2, 0, 0),
          version('GDOVersion', 1, 0, 0),
        ),
    xml('CARDCMN:Iccsn', {}, card.iccsn),
    xml('CARDCMN:CtId', {}, card.ctId),
    xml('CARDCMN:SlotId', {}, String(card.slotId)),
    xml('CARD:InsertTime', {}, new Date(card.insertedAt).toISOString()),
    card.holder === null ? undefined : xml('CARD:CardHolderName', {}, card.holder),
    card.kvnr === null ? undefined : xml('CARD:Kvnr', {}, card.kvnr),
    expires === undefined ? undefined : xml('CARD:CertificateExpirationDate', {}, expires.toISOString().slice(0, 10)),
  );
}

/** The caller declares CONN, CARDCMN, CTI, PI. `now` in ms. */
export function terminalMarkup(terminal: SimTerminal, now: number): Markup {
  return xml(
    'CTI:CardTerminal',
    {},
    productInformation({
      now,
      type: 'KT',
      typeVersion: '1.7.0',
      code: 'SIMKT',
      vendor: 'Simulator',
      name: 'Simulated card terminal',
    }),
    xml('CARDCMN:CtId', {}, terminal.ctId),
    xml('CONN:WorkplaceIds', {}, ...terminal.workplaces.map((id) => xml('CONN:WorkplaceId', {}, id))),
    xml('CTI:Name', {}, terminal.name),
    xml('CTI:MacAddress', {}, terminal.macAddress),
    xml('CTI:IPAddress', {}, xml('CTI:IPV4Address', {}, terminal.ipAddress)),
    xml('CTI:Slots', {}, String(terminal.slots)),
    xml('CTI:IS_PHYSICAL', {}, String(terminal.physical)),
    xml('CTI:Connected', {}, String(isUp(terminal))),
  );
}

/** PI:ProductInformation 1.1.0; `code` at most 8 characters. */
export function productInformation(o: {
  now: number;
  type: string;
  typeVersion: string;
  code: string;
  vendor: string;
  name: string;
  firmware?: string;
}): Markup {
  const pi = (name: string, ...content: (Markup | string)[]) => xml(`PI:${name}`, {}, ...content);
  return pi(
    'ProductInformation',
    pi('InformationDate', new Date(o.now).toISOString()),
    pi('ProductTypeInformation', pi('ProductType', o.type), pi('ProductTypeVersion', o.typeVersion)),
    pi(
      'ProductIdentification',
      pi('ProductVendorID', 'SIM'),
      pi('ProductCode', o.code),
      pi('ProductVersion', pi('Local', pi('HWVersion', '1.0.0'), pi('FWVersion', o.firmware ?? '1.0.0'))),
    ),
    pi('ProductMiscellaneous', pi('ProductVendorName', o.vendor), pi('ProductName', o.name)),
  );
}
