// What to do about a fault that the doctor finds, where the catalogue's remedy of its code says less than the doctor knows (OPS-06):
// by the fault's name, with the settings to look at.
import type { Language } from '../errors.ts';

export type Remedy = Record<Language, string>;
const text = (en: string, de: string): Remedy => ({ en, de });

const SILENT = text(
  'Somebody accepts the connection at this address, but does not answer: restart the Konnektor; if it stays so, check that the port in url is its own.',
  'Unter dieser Adresse wird die Verbindung angenommen, aber nicht geantwortet: den Konnektor neu starten; bleibt es so, prüfen, ob der Port in url der seine ist.',
);
const CLIENT = text(
  'The Konnektor does not take our client certificate: create one for this ClientSystem there, export it as PKCS#12 and name it in the settings; or it has run out.',
  'Der Konnektor nimmt unser Clientzertifikat nicht an: dort eines für dieses Clientsystem anlegen, als PKCS#12 exportieren und in den Einstellungen nennen; oder es ist abgelaufen.',
);
const DNS = text(
  'The name cannot be resolved: check url of this Konnektor and the DNS (or hosts file) of this machine.',
  'Der Name ist nicht aufzulösen: url dieses Konnektors und das DNS (oder die hosts-Datei) dieses Rechners prüfen.',
);

export const REMEDIES: Readonly<Record<string, Remedy>> = {
  'dns.unknown-name': DNS,
  'dns.address-not-allowed': DNS,
  'proxy.unreachable': text(
    'Nobody accepts a connection at the address of the proxy: check proxy.url of this Konnektor, and that the proxy runs.',
    'Unter der Adresse des Proxys nimmt niemand eine Verbindung an: proxy.url dieses Konnektors prüfen, und ob der Proxy läuft.',
  ),
  'proxy.no-proxy': text(
    'Somebody answers at proxy.url, but not as a proxy (HTTP CONNECT): check host and port in proxy.url of this Konnektor, and http or https.',
    'Unter proxy.url antwortet jemand, aber nicht als Proxy (HTTP CONNECT): Rechner und Port in proxy.url dieses Konnektors prüfen, und http oder https.',
  ),
  'proxy.refused': text(
    'The proxy answers and opens no tunnel: check user and password file of proxy, its caFile where it is https, and what the proxy allows.',
    'Der Proxy antwortet und öffnet keinen Tunnel: Benutzer und Passwortdatei von proxy prüfen, bei https auch caFile, und was der Proxy erlaubt.',
  ),
  'proxy.target-unreachable': text(
    'The proxy answers, but cannot reach the Konnektor itself: check url of this Konnektor, as the proxy sees it, and that the Konnektor runs.',
    'Der Proxy antwortet, erreicht aber selbst den Konnektor nicht: url dieses Konnektors aus Sicht des Proxys prüfen, und ob der Konnektor läuft.',
  ),
  'konnektor-tls.silent': SILENT,
  'konnektor-tls.no-tls': text(
    'Somebody answers at this address, but not in TLS: the port in url of this Konnektor is one for plain HTTP, or of another service.',
    'Unter dieser Adresse antwortet jemand, aber nicht in TLS: Der Port in url dieses Konnektors ist einer für unverschlüsseltes HTTP oder der eines anderen Dienstes.',
  ),
  'konnektor-tls.connection-ended': text(
    'The connection was accepted and ended before TLS stood: the port in url of this Konnektor speaks no TLS (plain HTTP, another service), or the Konnektor is starting; one that speaks TLS 1.2 alone may refuse our client certificate so.',
    'Die Verbindung wurde angenommen und endete, bevor TLS stand: Der Port in url dieses Konnektors spricht kein TLS (unverschlüsseltes HTTP, ein anderer Dienst), oder der Konnektor startet gerade; spricht er nur TLS 1.2, kann er so auch unser Clientzertifikat ablehnen.',
  ),
  'konnektor-tls.name': text(
    'The certificate carries another name: set serverName of this Konnektor to the name in its certificate, often konnektor.konlan.',
    'Das Zertifikat trägt einen anderen Namen: serverName dieses Konnektors auf den Namen im Zertifikat setzen, oft konnektor.konlan.',
  ),
  'client-certificate.refused': CLIENT,
  'client-certificate.connection-ended': CLIENT,
  'client-certificate.none': text(
    'The Konnektor wants to know who we are, and no client certificate is set: create one for this ClientSystem there and name it as clientPkcs12 (or clientCertificate and clientKey), or set basicAuthentication.',
    'Der Konnektor will wissen, wer wir sind, und es ist kein Clientzertifikat eingestellt: dort eines für dieses Clientsystem anlegen und als clientPkcs12 (oder clientCertificate und clientKey) nennen, oder basicAuthentication einstellen.',
  ),
  'client-certificate.password': text(
    'The Konnektor does not take user and password of basicAuthentication, or wants a client certificate: check user and passwordFile, and how it authenticates this ClientSystem.',
    'Der Konnektor nimmt Benutzer und Passwort von basicAuthentication nicht an oder will ein Clientzertifikat: user und passwordFile prüfen, und wie er dieses Clientsystem authentisiert.',
  ),
  'connector-sds.silent': SILENT,
  'clock.off': text(
    'Our clock and that of the other side differ: set the clock of this machine by NTP (in the TI: by the Konnektor).',
    'Unsere Uhr und die der Gegenseite gehen verschieden: die Uhr dieses Rechners per NTP stellen (in der TI: über den Konnektor).',
  ),
  'card.not-found': text(
    'Insert the SMC-B with this Telematik-ID, or correct digas[].telematikId (the message names the cards that are there); a card that is plugged and not listed is not assigned to this Mandant.',
    'Die SMC-B mit dieser Telematik-ID stecken oder digas[].telematikId berichtigen (die Meldung nennt die Karten, die da sind); eine Karte, die steckt und nicht genannt ist, ist diesem Mandanten nicht zugeordnet.',
  ),
  'role.untrusted': text(
    "The card's certificate does not chain to the anchors of the settings: trust.rootsFile and trust.intermediatesFile (or the list of trust.tsl) must be those of the card's environment, or the card is of another one.",
    'Das Zertifikat der Karte führt nicht auf die Anker der Einstellungen: trust.rootsFile und trust.intermediatesFile (oder die Liste von trust.tsl) müssen die der Umgebung der Karte sein, oder die Karte ist aus einer anderen.',
  ),
  'ocsp.unreachable': text(
    'The OCSP responder cannot be asked, or its answers are not to be believed (the message says which): check trust.ocsp.url with its path, the way there, and trust.ocspSignersFile (or trust.tsl).',
    'Der OCSP-Responder ist nicht zu befragen, oder seinen Antworten ist nicht zu trauen (die Meldung sagt, was): trust.ocsp.url samt Pfad prüfen, den Weg dorthin, und trust.ocspSignersFile (oder trust.tsl).',
  ),
  'idp.tls-untrusted': text(
    'The TLS certificate at the IDP is not trusted: check idp.caFile (for another origin: idp.origins[].caFile), idp.pins and idp.issuer.',
    'Dem TLS-Zertifikat des IDP wird nicht vertraut: idp.caFile (bei einer weiteren Adresse idp.origins[].caFile), idp.pins und idp.issuer prüfen.',
  ),
  'idp.untrusted': text(
    "What the IDP says failed a trust check (in brackets behind the code): check idp.issuer, and that trust.rootsFile and trust.intermediatesFile (or trust.tsl) are of the IDP's environment. No login is made.",
    'Was der IDP sagt, bestand eine Vertrauensprüfung nicht (in Klammern hinter dem Code): idp.issuer prüfen, und ob trust.rootsFile und trust.intermediatesFile (oder trust.tsl) aus der Umgebung des IDP sind. Es wird nicht angemeldet.',
  ),
  'vau.tls-untrusted': text(
    'The TLS certificate at the record system is not trusted: check recordSystems[].caFile, pins and url of this one.',
    'Dem TLS-Zertifikat des Aktensystems wird nicht vertraut: recordSystems[].caFile, pins und url dieses Aktensystems prüfen.',
  ),
  'vau.untrusted': text(
    'The VAU failed a trust check (in brackets behind the code): check recordSystems[].url of this one, and that trust.rootsFile and trust.intermediatesFile (or trust.tsl) are of its environment. Nothing is sent.',
    'Die VAU bestand eine Vertrauensprüfung nicht (in Klammern hinter dem Code): recordSystems[].url dieses Aktensystems prüfen, und ob trust.rootsFile und trust.intermediatesFile (oder trust.tsl) aus seiner Umgebung sind. Es wird nichts gesendet.',
  ),
  'vau.other-service': text(
    "A server answers at recordSystems[].url of this one, but not as a record system does: is this the record system's address, with its port?",
    'Unter recordSystems[].url dieses Aktensystems antwortet ein Server, aber nicht wie ein Aktensystem: Ist das die Adresse des Aktensystems, samt Port?',
  ),
};

const notKnown = (setting: string) =>
  text(
    `The Konnektor does not know the ${setting} of the settings: compare konnektors[].${setting} with its information model; the other values are not in doubt yet.`,
    `Der Konnektor kennt ${setting} der Einstellungen nicht: konnektors[].${setting} mit seinem Informationsmodell vergleichen; die anderen Werte stehen noch nicht in Zweifel.`,
  );
const notAssigned = (setting: string, to: string) =>
  text(
    `The Konnektor knows both, but has not assigned ${setting} to ${to}: do so there, or correct konnektors[].${setting}.`,
    `Der Konnektor kennt beide, hat aber ${setting} nicht ${to} zugeordnet: dort zuordnen oder konnektors[].${setting} berichtigen.`,
  );

/** By the gematik code, which is exact (konnektor.md 4, class C). */
export const CONTEXT: Readonly<Record<string, Remedy>> = {
  '4003': text(
    'The Konnektor wants a userId: set konnektors[].userId.',
    'Der Konnektor verlangt eine userId: konnektors[].userId setzen.',
  ),
  '4004': notKnown('mandant'),
  '4005': notKnown('clientSystem'),
  '4006': notKnown('workplace'),
  '4010': notAssigned('clientSystem', 'mandant'),
  '4011': notAssigned('workplace', 'mandant'),
  '4014': notAssigned('workplace', 'clientSystem'),
  '4204': text(
    'The Konnektor does not connect our client certificate (or basicAuthentication) with this clientSystem: use the certificate that was made for it, or correct konnektors[].clientSystem.',
    'Der Konnektor verbindet unser Clientzertifikat (oder basicAuthentication) nicht mit diesem clientSystem: das dafür erzeugte Zertifikat nehmen oder konnektors[].clientSystem berichtigen.',
  ),
};
