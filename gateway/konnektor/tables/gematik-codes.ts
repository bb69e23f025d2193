// What each error code of the Konnektor means to the gateway (gemILF_PS, gemSpec_Kon; konnektor.md section 4, its classes
// R H P C X in the comments). KON-12: an unlisted code is "operator needed" with the raw code kept.
import type { ErrorCode } from '../../errors.ts';

/** `retry-once`: again at once (soap-client.ts), then it is an operator's business. `new-handle`: ask for the card handle anew, then once more. */
export type Reaction =
  | 'retry-soon'
  | 'retry-late'
  | 'retry-once'
  | 'new-handle'
  | 'person'
  | 'configuration'
  | 'permanent';

export type GematikCode = { code: ErrorCode; reaction: Reaction };

const to = (code: ErrorCode, reaction: Reaction): GematikCode => ({ code, reaction });

const busy = to('KONNEKTOR_BUSY', 'retry-soon'); // R
const once = to('SMCB_ACCESS_FAILED', 'retry-once'); // R (once), then P
const handle = to('SMCB_NOT_FOUND', 'new-handle'); // H
const terminal = to('TERMINAL_OFFLINE', 'retry-soon'); // R
const down = to('KONNEKTOR_NOT_OPERATIONAL', 'retry-late'); // R (long)
const context = to('KONNEKTOR_CONTEXT_REFUSED', 'configuration'); // C
const refused = to('KONNEKTOR_FAULT', 'permanent'); // X
const person = to('TERMINAL_ACTION_NEEDED', 'person'); // P
const pin = to('SMCB_PIN_NOT_VERIFIED', 'person'); // P
const blocked = to('SMCB_PIN_BLOCKED', 'person'); // P
const transport = to('SMCB_PIN_TRANSPORT', 'person'); // P

export const GEMATIK_CODES: ReadonlyMap<string, GematikCode> = new Map<string, GematikCode>([
  // Generic codes of gemSpec_OM, 1 to 114; those that the reference names are time-out, refused, wrong schema, wrong schema
  // version, card, device, software. The others are listed for what they are: nothing that trying again would heal.
  ...Array.from({ length: 114 }, (_, index): [string, GematikCode] => [String(index + 1), refused]),
  ['1', busy],
  ['2', refused],
  ['3', refused],
  ['4', refused],
  ['101', person],
  ['102', person],
  ['103', once],
  ['4000', refused], // Syntaxfehler
  ['4001', busy], // Interner Fehler
  ['4002', down], // Konnektor in kritischem Betriebszustand
  ['4003', context], // keine User-Id
  ['4004', context], // ungültige Mandanten-ID
  ['4005', context], // ungültige Clientsystem-ID
  ['4006', context], // ungültige Arbeitsplatz-ID
  ['4007', context], // ungültige Kartenterminal-ID
  ['4008', handle], // Karte nicht als gesteckt identifiziert
  ['4009', context], // SM-B nicht als SM-B_Verwaltet bekannt
  ['4010', context], // Clientsystem nicht dem Mandanten zugeordnet
  ['4011', context], // Arbeitsplatz nicht dem Mandanten zugeordnet
  ['4012', context], // Kartenterminal nicht dem Mandanten zugeordnet
  ['4014', context], // Arbeitsplatz nicht dem Clientsystem zugeordnet
  ['4015', context], // Kartenterminal weder lokal noch entfernt
  ['4016', context], // Kartenterminal nicht lokal
  ['4018', busy], // andere Kartensitzung mit erhöhtem Sicherheitszustand
  ['4020', context], // Kartenterminal über keinen Arbeitsplatz zugreifbar
  ['4021', context], // Pflichtparameter im Kontext fehlen
  ['4032', busy], // Verbindung zu HSM nicht aufgebaut
  ['4039', busy], // Display belegt
  ['4040', terminal], // Verbindungsaufbau zum Kartenterminal gescheitert
  ['4041', person], // Pairing nicht bestätigt
  ['4043', pin], // Timeout bei der PIN-Eingabe
  ['4044', terminal], // Zugriff auf das Kartenterminal gescheitert
  ['4045', once], // Fehler beim Zugriff auf die Karte
  ['4047', handle], // Karten-Handle ungültig
  ['4048', once], // C2C gescheitert
  ['4049', pin], // Abbruch durch Nutzer
  ['4050', busy], // kein weiterer Kanal zur Karte
  ['4051', refused], // falscher Kartentyp
  ['4052', person], // Kartenzugriff verweigert
  ['4053', context], // Remote-PIN nicht möglich
  ['4058', refused], // Kartentyp nicht unterstützt
  ['4060', busy], // Ressource belegt
  ['4063', blocked], // PIN bereits gesperrt
  ['4064', to('SMCB_PUK_BLOCKED', 'permanent')], // PUK blockiert: only a new card helps
  ['4065', transport], // PIN transportgeschützt
  ['4066', context], // kein PIN-Pad
  ['4067', to('PIN_NEW_DIFFERS', 'person')], // neue PIN nicht identisch
  ['4068', to('PIN_LENGTH_WRONG', 'person')], // Länge der PIN falsch
  ['4071', context], // keine C2C-Karte
  ['4072', refused], // ungültige PIN-Referenz
  ['4085', pin], // Zugriffsbedingungen nicht erfüllt: PIN not verified; never a blind retry
  ['4092', context], // Remote-PIN-Kartenterminal für den Arbeitsplatz nicht definiert
  ['4093', busy], // Karte in anderer Kartensitzung exklusiv verwendet
  ['4094', busy], // Timeout beim Kartenzugriff
  ['4095', context], // Ereignisfilter nicht auswertbar
  ['4097', context], // ungültige Slot-ID
  ['4101', handle], // Karten-Handle ungültig
  ['4110', refused], // SignDocument: format
  ['4111', refused], // SignDocument: type
  ['4118', refused], // SignDocument: batch
  ['4126', refused], // SignDocument: card type
  ['4169', refused], // found in no source
  ['4174', down], // TI VPN-Tunnel nicht aufgebaut
  ['4192', refused], // C2C mit eGK G1+ nicht mehr gestattet
  ['4202', person], // RequestCard: no card inserted in time
  ['4203', person], // EjectCard: card not taken
  ['4204', context], // Clientsystem konnte nicht authentifiziert werden
  ['4209', refused], // Kartentyp durch diese Operation nicht unterstützt
  ['4221', context], // Kartenterminal nicht aktiv
  ['4222', terminal], // Kartenterminal nicht verbunden
  ['4278', busy], // Komfortsignatur: sessions used up
  ['4288', refused], // Komfortsignatur: unknown session
]);
