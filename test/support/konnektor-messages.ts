// One good request of every operation of the simulated Konnektor, written out by hand from the official schema, for tests that
// break one thing of it.
import { type BenchOperation, context, type KonnektorBench } from './konnektor-bench.ts';

export type Ids = { mandant?: string; clientSystem?: string; workplace?: string; userId?: string };
export type MessageParts = { ids?: Ids; cardHandle?: string; subscriptionId?: string };

export const EVENT_TO = 'cetp://127.0.0.1:9';

const contextOf = ({ mandant, clientSystem, workplace, userId }: Ids = {}) => {
  const user = userId === undefined ? '' : `<CONN:UserId>${userId}</CONN:UserId>`;
  return context(mandant, clientSystem, workplace).replace('</CCTX:Context>', `${user}</CCTX:Context>`);
};

export const slotOf = (ctId: string, slotId: number) =>
  `<CT:Slot><CARDCMN:CtId>${ctId}</CARDCMN:CtId><CARDCMN:SlotId>${slotId}</CARDCMN:SlotId></CT:Slot>`;

export const subscriptionOf = (eventTo: string, topic: string, filter?: string) =>
  `<EVT:Subscription><EVT:EventTo>${eventTo}</EVT:EventTo><EVT:Topic>${topic}</EVT:Topic>` +
  `${filter === undefined ? '' : `<EVT:Filter>${filter}</EVT:Filter>`}</EVT:Subscription>`;

/** Content of the operation's element. The card is the SMC-B of the default world unless named. */
export function messageOf(bench: KonnektorBench, operation: BenchOperation, parts: MessageParts = {}): string {
  const ctx = contextOf(parts.ids);
  const handle = `<CONN:CardHandle>${parts.cardHandle ?? bench.cardHandle()}</CONN:CardHandle>`;
  const pin = `${ctx}${handle}<CARDCMN:PinTyp>PIN.SMC</CARDCMN:PinTyp>`;
  const id = `<EVT:SubscriptionID>${parts.subscriptionId ?? 'unknown'}</EVT:SubscriptionID>`;
  const aut = bench.pki.smcb.certificates.get('C.AUT')?.certificate.der ?? new Uint8Array();
  const bodies: Record<BenchOperation, string> = {
    GetCards: ctx,
    GetCardTerminals: ctx,
    GetResourceInformation: ctx,
    Subscribe: `${ctx}${subscriptionOf(EVENT_TO, 'CARD')}`,
    RenewSubscriptions: `${ctx}${id}`,
    Unsubscribe: `${ctx}${id}`,
    GetSubscription: ctx,
    GetPinStatus: pin,
    VerifyPin: pin,
    ChangePin: pin,
    UnblockPin: `${pin}<CARD:SetNewPin>true</CARD:SetNewPin>`,
    EnablePin: pin,
    DisablePin: pin,
    RequestCard: `${ctx}${slotOf('CT_SIM_0001', 1)}<CARDCMN:CardType>SM-B</CARDCMN:CardType><CT:DisplayMsg>Bitte stecken</CT:DisplayMsg><CT:TimeOut>0</CT:TimeOut>`,
    EjectCard: `${ctx}${handle}<CT:TimeOut>0</CT:TimeOut>`,
    ReadCardCertificate: `${handle}${ctx}<CERT:CertRefList><CERT:CertRef>C.AUT</CERT:CertRef><CERT:CertRef>C.QES</CERT:CertRef></CERT:CertRefList><CERT:Crypt>ECC</CERT:Crypt>`,
    CheckCertificateExpiration: `${handle}${ctx}<CERT:Crypt>ECC</CERT:Crypt>`,
    VerifyCertificate: `${ctx}<CERTCMN:X509Certificate>${Buffer.from(aut).toString('base64')}</CERTCMN:X509Certificate>`,
    ExternalAuthenticate:
      `${handle}${ctx}<SIG:OptionalInputs><dss:SignatureType>urn:bsi:tr:03111:ecdsa</dss:SignatureType></SIG:OptionalInputs>` +
      `<SIG:BinaryString><dss:Base64Data MimeType="application/octet-stream">${'A'.repeat(43)}=</dss:Base64Data></SIG:BinaryString>`,
  };
  return bodies[operation];
}
